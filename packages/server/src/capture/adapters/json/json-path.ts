import { field, isObject, toText } from "../../adapt/index.ts";

/** Which elements a step keeps: those whose member at `names` is this text. */
interface Filter {
  readonly names: readonly string[];
  readonly text: string;
}

/** One step of a path: a member, an element (from the end when negative), all of either, or those that a filter keeps. */
type Step = string | number | typeof ALL | Filter;

const ALL = Symbol("all");
const MAX_STEPS = 64;
const MAX_PATH_LENGTH = 1_000;
/** A wildcard in a wildcard multiplies; what a record holds beyond this is not selected. */
const MAX_SELECTED = 10_000;

/** A path of the subset of RFC 9535 that mappings use: `$` the record, `@` the current element; names, indexes, `[*]` and `[?@.name == 'text']`. */
export interface JsonPath {
  readonly text: string;
  /** Whether it begins at the record; otherwise at the element of `each`. */
  readonly fromRoot: boolean;
  readonly steps: readonly Step[];
  /** Whether it can select several values. */
  readonly isMany: boolean;
}

export type ParsedPath =
  | { readonly ok: true; readonly path: JsonPath }
  | { readonly ok: false; readonly problem: string };

/** Whether a text of a mapping is meant as a path. */
export function looksLikePath(text: string): boolean {
  return /^[$@](?:$|[.[])/.test(text);
}

const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const INDEX = /-?(?:0|[1-9]\d{0,8})(?=\])/y;

/** Reads a path such as `$.actor['user id'].roles[0]`. */
export function parseJsonPath(text: string): ParsedPath {
  if (text.length > MAX_PATH_LENGTH) return { ok: false, problem: `has more than ${MAX_PATH_LENGTH} characters` };
  if (!looksLikePath(text))
    return { ok: false, problem: "does not begin with $ (the record) or @ (the element of each)" };
  const steps: Step[] = [];
  let at = 1;
  while (at < text.length) {
    const found = text[at] === "." ? dotStep(text, at) : text[at] === "[" ? bracketStep(text, at) : undefined;
    if (found === undefined)
      return { ok: false, problem: `cannot be read from character ${at + 1} on: ${hint(text, at)}` };
    steps.push(found.step);
    at = found.end;
    if (steps.length > MAX_STEPS) return { ok: false, problem: `has more than ${MAX_STEPS} steps` };
  }
  return { ok: true, path: { text, fromRoot: text.startsWith("$"), steps, isMany: steps.some(isWide) } };
}

function isWide(step: Step): step is typeof ALL | Filter {
  return typeof step === "symbol" || typeof step === "object";
}

interface Found {
  readonly step: Step;
  readonly end: number;
}

function dotStep(text: string, at: number): Found | undefined {
  if (text[at + 1] === "*") return { step: ALL, end: at + 2 };
  NAME.lastIndex = at + 1;
  const name = NAME.exec(text)?.[0];
  return name === undefined ? undefined : { step: name, end: at + 1 + name.length };
}

function bracketStep(text: string, at: number): Found | undefined {
  if (text.startsWith("[*]", at)) return { step: ALL, end: at + 3 };
  INDEX.lastIndex = at + 1;
  const index = INDEX.exec(text)?.[0];
  if (index !== undefined) return { step: Number(index), end: at + 2 + index.length };
  if (text[at + 1] === "?") return filterStep(text, at);
  const quote = text[at + 1];
  if (quote !== "'" && quote !== '"') return undefined;
  let name = "";
  for (let place = at + 2; place < text.length; place += 1) {
    const character = text[place] ?? "";
    if (character === "\\") {
      place += 1;
      name += text[place] ?? "";
    } else if (character !== quote) name += character;
    else return text[place + 1] === "]" ? { step: name, end: place + 2 } : undefined;
  }
  return undefined;
}

const FILTER = /\[\?\s*(\()?\s*@((?:\.[\p{L}_][\p{L}\p{N}_]*){1,8})\s*==\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*(\))?\s*\]/uy;

/** `[?@.key == 'username']`, in parentheses or not. */
function filterStep(text: string, at: number): Found | undefined {
  FILTER.lastIndex = at;
  const found = FILTER.exec(text);
  if (found === null || (found[1] === undefined) !== (found[5] === undefined)) return undefined;
  const names = (found[2] ?? "").split(".").slice(1);
  return { step: { names, text: found[3] ?? found[4] ?? "" }, end: at + found[0].length };
}

function hint(text: string, at: number): string {
  if (text.startsWith("..", at)) return "`..` (descendants) is not supported; name the way.";
  if (text.startsWith("[?", at)) return "of filters only [?@.name == 'text'] is supported.";
  if (/^\[-?\d*:/.test(text.slice(at))) return "slices are not supported.";
  const name = /^\.?([^.[\]'"]{1,40})/.exec(text.slice(at))?.[1];
  return name === undefined
    ? "expected .name, ['name'], [0] or [*]."
    : `names with other characters are quoted: ['${name}'].`;
}

/** Every value at a path, in order; null included. */
export function selectAll(path: JsonPath, root: unknown, node: unknown): readonly unknown[] {
  let found: readonly unknown[] = [path.fromRoot ? root : node];
  for (const step of path.steps) {
    if (found.length === 0) return found;
    found = found.flatMap((value) => (isWide(step) ? childrenOf(value, step) : memberOf(value, step)));
    if (found.length > MAX_SELECTED) found = found.slice(0, MAX_SELECTED);
  }
  return found;
}

/** The first value at a path; undefined when there is none. */
export function selectFirst(path: JsonPath, root: unknown, node: unknown): unknown {
  if (path.isMany) return selectAll(path, root, node)[0];
  let at: unknown = path.fromRoot ? root : node;
  for (const step of path.steps) {
    if (isWide(step)) return undefined;
    const [next] = memberOf(at, step);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

function memberOf(value: unknown, step: string | number): readonly unknown[] {
  if (typeof step === "number") {
    if (!Array.isArray(value)) return [];
    const item: unknown = value.at(step);
    return item === undefined ? [] : [item];
  }
  return isObject(value) && Object.hasOwn(value, step) ? [value[step]] : [];
}

function childrenOf(value: unknown, step: typeof ALL | Filter): readonly unknown[] {
  const all = Array.isArray(value) ? (value as readonly unknown[]) : isObject(value) ? Object.values(value) : [];
  return typeof step === "symbol" ? all : all.filter((child) => isKept(child, step));
}

function isKept(child: unknown, { names, text }: Filter): boolean {
  return toText(field(child, ...names)) === text;
}

/** A copy of a value in which what a path from it selects is replaced; the same value when it selects nothing. */
export function replaceAt(value: unknown, path: JsonPath, by: unknown): unknown {
  return replaceStep(value, path.steps, 0, by);
}

function replaceStep(value: unknown, steps: readonly Step[], index: number, by: unknown): unknown {
  const step = steps[index];
  if (step === undefined) return value === null ? value : by;
  const next = (child: unknown): unknown => replaceStep(child, steps, index + 1, by);
  const isMeant = (child: unknown, name: string | number): boolean =>
    typeof step === "object" ? isKept(child, step) : isWide(step) || step === name;
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    const replaced = list.map((child, at) =>
      isMeant(child, at) || isMeant(child, at - list.length) ? next(child) : child,
    );
    return replaced.some((child, at) => child !== list[at]) ? replaced : value;
  }
  if (!isObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, child] of Object.entries(value)) {
    const replaced = isMeant(child, name) ? next(child) : child;
    if (replaced === child) continue;
    copy ??= { ...value };
    Object.defineProperty(copy, name, { value: replaced, enumerable: true, configurable: true, writable: true });
  }
  return copy ?? value;
}
