import { isObject, type JsonObject, toText } from "../../adapt/index.ts";
import { checkNames } from "./check-names.ts";
import { compileCondition } from "./compile-condition.ts";
import { compileAnyPath, compileFirst, compilePath } from "./compile-path.ts";
import { looksLikePath, selectFirst } from "./json-path.ts";
import { checkFixed, type Leaf, toLeaf } from "./leaf.ts";
import type { Place } from "./place.ts";
import type { Read, ReadList, Scope, Test } from "./scope.ts";

/** Members of a value that is written as a map. */
export const VALUE_MEMBERS = [
  "path",
  "value",
  "template",
  "when",
  "between",
  "split",
  "table",
  "ranges",
  "ignoreCase",
  "default",
] as const;

const nothing: Read = () => undefined;

/**
 * Compiles a value of a mapping: a path (`$.user.id`), a template (`{$.app}/{$.name}`), a fixed value, a map of `VALUE_MEMBERS`, or a
 * list of these of which the first that says something wins.
 */
export function compileValue(raw: unknown, leaf: Leaf, place: Place): Read {
  if (Array.isArray(raw)) return compileAlternatives(raw, leaf, place);
  if (isObject(raw)) return compileMap(raw, leaf, place);
  if (raw === null || raw === undefined) {
    place.report("is empty", "Give a path, a template or a fixed value, or leave it out.");
    return nothing;
  }
  const source = compileText(raw, leaf, place);
  return (scope) => toLeaf(leaf, source(scope));
}

/** Compiles a value of which there may be several: lists are joined, paths may select many, arrays are taken apart. */
export function compileList(raw: unknown, leaf: Leaf, place: Place): ReadList {
  if (Array.isArray(raw)) {
    const lists = raw.map((each, index) => compileList(each, leaf, place.at(index)));
    return (scope) => lists.flatMap((list) => list(scope));
  }
  const path = isObject(raw) ? raw["path"] : raw;
  const isPath = isObject(raw) ? path !== undefined : typeof raw === "string" && looksLikePath(raw);
  if (!isPath) {
    const one = compileValue(raw, leaf, place);
    return (scope) => {
      const value = one(scope);
      return value === undefined ? [] : [value];
    };
  }
  const select = compileAnyPath(path, isObject(raw) ? place.at("path") : place);
  const { test, refine, fallback } = isObject(raw) ? compileSteps(raw, leaf, place) : plain;
  const separator = isObject(raw) && typeof raw["split"] === "string" && raw["split"] !== "" ? raw["split"] : undefined;
  return (scope) => {
    if (!test(scope)) return [];
    const selected = select(scope).flatMap((value) => (Array.isArray(value) ? (value as readonly unknown[]) : [value]));
    const parts =
      separator === undefined ? selected : selected.flatMap((value) => (toText(value) ?? "").split(separator));
    const found = parts.flatMap((value) => {
      const text = typeof value === "string" ? value.trim() : value;
      return toLeaf(leaf, refine(text)) ?? [];
    });
    if (found.length > 0 || fallback === undefined) return found;
    scope.warnings.add(leaf.warning);
    return [fallback];
  };
}

function compileAlternatives(raw: readonly unknown[], leaf: Leaf, place: Place): Read {
  if (raw.length === 0)
    place.report("is an empty list", "Give at least one value; the first that says something wins.");
  const reads = raw.map((each, index) => compileValue(each, leaf, place.at(index)));
  return (scope) => {
    for (const read of reads) {
      const value = read(scope);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** A scalar of the mapping: text that is a path or a template, or a fixed value. */
function compileText(raw: unknown, leaf: Leaf, place: Place): Read {
  if (typeof raw === "string" && looksLikePath(raw)) {
    const path = compilePath(raw, place);
    return path === undefined ? nothing : ({ root, node }) => selectFirst(path, root, node);
  }
  if (typeof raw === "string" && /\{[$@]/.test(raw)) return compileTemplate(raw, place);
  const fixed = checkFixed(leaf, raw, place);
  return () => fixed;
}

/** `{$.app}/{$.name}`: says nothing when one of its paths does, because half an id names something else. */
function compileTemplate(raw: unknown, place: Place): Read {
  if (typeof raw !== "string") {
    place.report("is no text", 'Write for example "{$.app}/{$.name}".');
    return nothing;
  }
  const parts: (string | Read)[] = [];
  let rest = raw;
  while (rest !== "") {
    const open = rest.search(/\{[$@]/);
    if (open < 0) {
      parts.push(rest);
      break;
    }
    const close = rest.indexOf("}", open);
    if (close < 0) {
      place.report("has a path without its }", "Close the brace.");
      return nothing;
    }
    const path = compilePath(rest.slice(open + 1, close), place);
    if (open > 0) parts.push(rest.slice(0, open));
    if (path !== undefined) parts.push(({ root, node }) => selectFirst(path, root, node));
    rest = rest.slice(close + 1);
  }
  return (scope) => {
    let text = "";
    for (const part of parts) {
      const piece = typeof part === "string" ? part : toText(part(scope));
      if (piece === undefined) return undefined;
      text += piece;
    }
    return text;
  };
}

function compileMap(raw: JsonObject, leaf: Leaf, place: Place): Read {
  const sources = (["path", "value", "template"] as const).filter((name) => raw[name] !== undefined);
  const [name] = sources;
  if (name === undefined || sources.length > 1) {
    place.report("needs one of path, value and template", "Keep one of them.");
    return nothing;
  }
  if (raw["split"] !== undefined)
    place.at("split").report("makes a list of one value", "Use split only where there may be several.");
  const source =
    name === "path"
      ? compileFirst(raw["path"], place.at("path"))
      : name === "template"
        ? compileTemplate(raw["template"], place.at("template"))
        : fixedRead(leaf, raw, place);
  const { test, refine, fallback } = compileSteps(raw, leaf, place);
  return (scope) => {
    if (!test(scope)) return undefined;
    const value = toLeaf(leaf, refine(source(scope)));
    if (value !== undefined || fallback === undefined) return value;
    scope.warnings.add(leaf.warning);
    return fallback;
  };
}

function fixedRead(leaf: Leaf, raw: JsonObject, place: Place): Read {
  const isTranslated = raw["table"] !== undefined || raw["ranges"] !== undefined;
  const fixed = isTranslated ? raw["value"] : checkFixed(leaf, raw["value"], place.at("value"));
  return () => fixed;
}

interface Steps {
  readonly test: Test;
  readonly refine: (value: unknown) => unknown;
  readonly fallback: unknown;
}

const plain: Steps = { test: (_scope: Scope) => true, refine: (value) => value, fallback: undefined };

/** What is done with a value after it was found, in the order between, table, ranges. */
function compileSteps(raw: JsonObject, leaf: Leaf, place: Place): Steps {
  checkNames(raw, VALUE_MEMBERS, place);
  const test = raw["when"] === undefined ? plain.test : compileCondition(raw["when"], place.at("when"));
  const cut = raw["between"] === undefined ? plain.refine : compileBetween(raw["between"], place.at("between"));
  const translate = compileTranslation(raw, leaf, place);
  const fallback = raw["default"] === undefined ? undefined : checkFixed(leaf, raw["default"], place.at("default"));
  return { test, refine: (value) => translate(cut(value)), fallback };
}

/** The text behind the first occurrence of one text and before the next occurrence of another. */
function compileBetween(raw: unknown, place: Place): (value: unknown) => unknown {
  const [before, after] = Array.isArray(raw) ? (raw as readonly unknown[]) : [];
  if (typeof before !== "string" || typeof after !== "string" || (raw as readonly unknown[]).length !== 2) {
    place.report(
      "is no list of two texts",
      'Write for example ["user ", " from"]; "" stands for the beginning or the end.',
    );
    return plain.refine;
  }
  return (value) => {
    const text = toText(value);
    const found = text?.indexOf(before) ?? -1;
    if (text === undefined || found < 0) return undefined;
    const from = found + before.length;
    const to = after === "" ? text.length : text.indexOf(after, from);
    return to < 0 ? undefined : text.slice(from, to);
  };
}

function compileTranslation(raw: JsonObject, leaf: Leaf, place: Place): (value: unknown) => unknown {
  const table = raw["table"] === undefined ? undefined : compileTable(raw, leaf, place.at("table"));
  const ranges = raw["ranges"] === undefined ? undefined : compileRanges(raw["ranges"], leaf, place.at("ranges"));
  if (table === undefined && ranges === undefined) return plain.refine;
  return (value) => table?.(value) ?? ranges?.(value);
}

function compileTable(raw: JsonObject, leaf: Leaf, place: Place): (value: unknown) => unknown {
  const given = raw["table"];
  if (!isObject(given) || Object.keys(given).length === 0) {
    place.report("is no map", "Write for example { login: AUTH, logout: LOGOUT }.");
    return plain.refine;
  }
  const fold = (text: string): string => (raw["ignoreCase"] === true ? text.toLowerCase() : text);
  const entries = Object.entries(given).map(
    ([key, value]) => [fold(key), checkFixed(leaf, value, place.at(key))] as const,
  );
  const table = new Map(entries);
  // "" and "-" may be entries of a table, unlike anywhere else.
  return (value) => table.get(fold(typeof value === "string" ? value : (toText(value) ?? "\u0000")));
}

function compileRanges(raw: unknown, leaf: Leaf, place: Place): (value: unknown) => unknown {
  const list = Array.isArray(raw) ? (raw as readonly unknown[]) : [];
  if (list.length === 0)
    place.report("is no list of ranges", "Write for example [{ from: 200, to: 399, value: success }].");
  const ranges = list.flatMap((each, index) => {
    const at = place.at(index);
    if (!isObject(each))
      return at.report("is no range", "Write for example { from: 200, to: 399, value: success }.") ?? [];
    checkNames(each, ["from", "to", "value"], at);
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = each;
    if (typeof from !== "number" || typeof to !== "number" || from > to) {
      return (
        at.report("has no bounds in order", "Give numbers: from is the lowest, to the highest value that counts.") ?? []
      );
    }
    return [{ from, to, value: checkFixed(leaf, each["value"], at.at("value")) }];
  });
  return (value) => {
    const text = toText(value);
    const number = Number(text ?? Number.NaN);
    return ranges.find(({ from, to }) => number >= from && number <= to)?.value;
  };
}
