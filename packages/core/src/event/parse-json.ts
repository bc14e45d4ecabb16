import { hasDelicateNumber, parseKeepingNumbers } from "../predicate/index.ts";
import { findDuplicateKey } from "./find-duplicate-key.ts";
import { dotted, excerpt, type Problem } from "./problem.ts";

const MAX_DEPTH = 32;
/** Longer texts are looked over for depth before they are parsed: a million nested arrays take seconds. */
const LONG_TEXT = 256 * 1024;
const SPACED_COLON = /"\s+:/;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** A parsed value, or why the text is refused. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem };

interface Shape {
  keys: number;
  numbers: number;
  tooDeep: boolean;
}

function measure(value: unknown, depth: number, shape: Shape): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) {
    shape.tooDeep = true;
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "object") measure(item, depth + 1, shape);
      else if (typeof item === "number") shape.numbers += 1;
    }
    return;
  }
  for (const key in value) {
    shape.keys += 1;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object") measure(item, depth + 1, shape);
    else if (typeof item === "number") shape.numbers += 1;
  }
}

/** Never less than the number of keys in the text when no key is followed by a space; more when a string contains `":`. */
function countKeyEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) count += 1;
  return count;
}

/** Path of a string or key that is not well-formed; undefined when there is none. */
function findLoneSurrogate(value: unknown, path: readonly string[] = []): readonly string[] | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : path;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const inner = [...path, key];
    const found = key.isWellFormed() ? findLoneSurrogate(item, inner) : inner;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether brackets outside strings ever stand deeper than allowed. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === 0x5c) at += 1;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    // `[` and `{`, `]` and `}`.
    else if ((character | 0x20) === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if ((character | 0x20) === 0x7d) depth -= 1;
  }
  return false;
}

/** The top member that nests too deep, for the message. */
function deepMember(value: unknown): string {
  for (const [key, item] of Object.entries(value ?? {})) {
    const shape: Shape = { keys: 0, numbers: 0, tooDeep: false };
    measure(item, 2, shape);
    if (shape.tooDeep) return dotted([key]);
  }
  return "";
}

function tooDeep(field: string): ParsedJson {
  return refuse(`nested deeper than ${MAX_DEPTH} levels`, `Flatten the value to at most ${MAX_DEPTH} levels.`, field);
}

function refuse(problem: string, fix: string, field = ""): ParsedJson {
  return { ok: false, problem: { field, problem, fix } };
}

/** True when the only number is the version of an event: the schema allows one value for it, however it is spelt. */
function hasOnlyVersion(value: unknown, { numbers }: Shape): boolean {
  return numbers === 0 || (numbers === 1 && (value as { readonly v?: unknown }).v === 1);
}

/**
 * Parses JSON that will be evidence: refuses duplicate keys, lone surrogates and nesting deeper than 32, and keeps the source text of
 * numbers that a double would change (as `JSON.rawJSON` objects, which `JSON.stringify` writes back unchanged).
 */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  if (text.length > LONG_TEXT && isTooDeep(text)) return tooDeep("");
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return refuse(`not JSON: ${cause.message.slice(0, 120).toWellFormed()}`, "Send one complete JSON object.");
  }
  const shape: Shape = { keys: 0, numbers: typeof value === "number" ? 1 : 0, tooDeep: false };
  measure(value, 1, shape);
  if (shape.tooDeep) return tooDeep(deepMember(value));
  if (SPACED_COLON.test(text) || countKeyEnds(text) !== shape.keys) {
    const path = findDuplicateKey(text);
    if (path !== undefined)
      return refuse(`the key ${excerpt(path.at(-1))} stands twice in one object`, "Send each key once.", dotted(path));
  }
  if (SURROGATE_ESCAPE.test(text)) {
    const path = findLoneSurrogate(value);
    if (path !== undefined)
      return refuse("a string holds half of a surrogate pair", "Send well-formed Unicode.", dotted(path));
  }
  if (!hasOnlyVersion(value, shape) && hasDelicateNumber(text)) value = parseKeepingNumbers(text);
  return { ok: true, value };
}
