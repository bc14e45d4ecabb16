import { isObject, toText } from "../../adapt/index.ts";
import { checkNames } from "./check-names.ts";
import { compileAnyPath } from "./compile-path.ts";
import type { Place } from "./place.ts";
import type { Scope, Test } from "./scope.ts";

/** Members of a condition that compare what its path selects, with what they take. */
export const comparisons = {
  equals: "text, number, boolean or a list of them: any of them",
  startsWith: "text or a list of texts",
  endsWith: "text or a list of texts",
  contains: "text or a list of texts",
  above: "number",
  below: "number",
  exists: "true or false",
} as const;

const MEMBERS = ["path", ...Object.keys(comparisons), "ignoreCase", "all", "any", "not"] as const;
const never: Test = () => false;

/** Compiles a condition of a mapping: comparisons of what a path selects, or `all`, `any` and `not` of conditions. */
export function compileCondition(raw: unknown, place: Place): Test {
  if (!isObject(raw)) {
    place.report("is no condition", "Write for example { path: $.type, equals: login }.");
    return never;
  }
  checkNames(raw, MEMBERS, place);
  const tests: Test[] = [];
  for (const kind of ["all", "any"] as const) {
    const list = raw[kind];
    if (list === undefined) continue;
    if (!Array.isArray(list) || list.length === 0)
      place.at(kind).report("is no list of conditions", "List at least one.");
    else {
      const inner = list.map((each, index) => compileCondition(each, place.at(kind).at(index)));
      tests.push((scope) => (kind === "all" ? inner.every((test) => test(scope)) : inner.some((test) => test(scope))));
    }
  }
  if (raw["not"] !== undefined) {
    const inner = compileCondition(raw["not"], place.at("not"));
    tests.push((scope) => !inner(scope));
  }
  if (raw["path"] !== undefined) tests.push(compileComparison(raw, place));
  else if (Object.keys(comparisons).some((name) => raw[name] !== undefined)) {
    place.report("compares nothing", "Add path: the value to compare.");
  }
  if (tests.length === 0) place.report("says nothing", "Give a path with equals, exists and so on, or all, any, not.");
  const [only] = tests;
  return tests.length === 1 && only !== undefined ? only : (scope) => tests.every((test) => test(scope));
}

function compileComparison(raw: Readonly<Record<string, unknown>>, place: Place): Test {
  const select = compileAnyPath(raw["path"], place.at("path"));
  const ignoreCase = raw["ignoreCase"] === true;
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const checks: ((text: string) => boolean)[] = [];
  for (const name of ["equals", "startsWith", "endsWith", "contains"] as const) {
    const given = raw[name];
    if (given === undefined) continue;
    const wanted = (Array.isArray(given) ? (given as readonly unknown[]) : [given]).map((each) => plainText(each));
    if (wanted.length === 0 || wanted.includes(undefined)) {
      place.at(name).report("is no text or list of texts", `Give ${comparisons[name]}.`);
    }
    const folded = wanted.flatMap((text) => (text === undefined ? [] : [fold(text)]));
    const compare = comparers[name];
    checks.push((text) => folded.some((each) => compare(text, each)));
  }
  for (const name of ["above", "below"] as const) {
    const limit = raw[name];
    if (limit === undefined) continue;
    if (typeof limit !== "number") place.at(name).report("is no number", "Give a number.");
    else checks.push((text) => (name === "above" ? Number(text) > limit : Number(text) < limit));
  }
  const exists = raw["exists"];
  if (exists !== undefined && typeof exists !== "boolean")
    place.at("exists").report("is neither true nor false", "Give one of them.");
  if (checks.length === 0 && exists === undefined)
    place.report("compares nothing", `Add one of ${Object.keys(comparisons).join(", ")}.`);
  const compareAll = (scope: Scope): boolean =>
    select(scope).some((value) => {
      const text = plainText(value);
      return text !== undefined && checks.every((check) => check(fold(text)));
    });
  if (exists === undefined) return compareAll;
  const isThere = (scope: Scope): boolean => select(scope).some((value) => value !== null) === exists;
  return checks.length === 0 ? isThere : (scope) => isThere(scope) && compareAll(scope);
}

const comparers = {
  equals: (text: string, wanted: string): boolean => text === wanted,
  startsWith: (text: string, wanted: string): boolean => text.startsWith(wanted),
  endsWith: (text: string, wanted: string): boolean => text.endsWith(wanted),
  contains: (text: string, wanted: string): boolean => text.includes(wanted),
} as const;

/** A scalar as text; here "" and "-" are values like others. */
function plainText(value: unknown): string | undefined {
  return typeof value === "string" ? value : toText(value);
}
