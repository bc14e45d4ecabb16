import { isRawNumber, parseKeepingNumbers } from "./json-source.ts";

/** Where an entry lies; `trail` and `index` are fields too, but not part of the stored line. */
export interface Place {
  readonly trail: string;
  readonly index: number;
}

/** A parsed entry line. Anything may be missing: predicates never throw on the shape of an entry. */
export type EntryLike = Readonly<Record<string, unknown>>;

const entryFields = new Set("v kind received sent rules classes changed blob quarantine statement summary".split(" "));
const bodies = ["event", "quarantine", "statement", "summary"] as const;

/** `value` as text as it stood in the JSON source; undefined for what is no scalar. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return isRawNumber(value) ? value.rawJSON : undefined;
}

/** Text of a field's value: a scalar's text, an object's compact JSON; undefined for null. */
export function valueText(value: unknown): string | undefined {
  const text = scalarText(value);
  if (text !== undefined || value === null || typeof value !== "object") return text;
  return JSON.stringify(value);
}

/**
 * Parses one stored line. Numbers keep their source text (`JSON.rawJSON`) where a double would change it.
 * @throws SyntaxError for a line that is no JSON
 */
export function parseEntry(line: string): EntryLike {
  return parseKeepingNumbers(line) as EntryLike;
}

function member(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as EntryLike)[key] : undefined;
}

/** `keys[n]` are the names that may follow at depth `n`, longest first: a key that contains dots wins over a path. */
type PathKeys = readonly (readonly { readonly key: string; readonly next: number }[])[];

function pathKeys(path: readonly string[]): PathKeys {
  return path.map((_, from) => {
    const ends = path.slice(from).map((_part, skip) => from + skip + 1);
    return ends.reverse().map((next) => ({ key: path.slice(from, next).join("."), next }));
  });
}

function some(value: unknown, keys: PathKeys, from: number, test: (value: unknown) => boolean): boolean {
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.some((one) => some(one, keys, from, test));
  const candidates = keys[from];
  if (candidates === undefined) return test(value);
  if (value === null || typeof value !== "object" || isRawNumber(value)) return false;
  for (const { key, next } of candidates) {
    const found = member(value, key);
    if (found !== undefined) return some(found, keys, next, test);
  }
  return false;
}

/** Whether any value of a field passes; array members count each, at every level. */
export type FieldTest = (entry: EntryLike, place: Place | undefined, test: (value: unknown) => boolean) => boolean;

/** The time an entry is about: when its event occurred, or when it was received if it has no event. */
export function entryTime(entry: EntryLike): string | undefined {
  const event = entry["event"];
  const time = event !== null && typeof event === "object" ? member(event, "time") : undefined;
  const occurred = time !== null && typeof time === "object" ? member(time, "occurred") : undefined;
  const found = occurred ?? entry["received"];
  return typeof found === "string" ? found : undefined;
}

/** Prepares access to a canonical field name. */
export function fieldTest(name: string): FieldTest {
  if (name === "trail") return (_entry, place, test) => place !== undefined && test(place.trail);
  if (name === "index") return (_entry, place, test) => place !== undefined && test(place.index);
  if (name === "time") {
    return (entry, _place, test) => {
      const time = entryTime(entry);
      return time !== undefined && test(time);
    };
  }
  const path = name.split(".");
  const [first = ""] = path;
  const keys = pathKeys(path);
  if (entryFields.has(first)) return (entry, _place, test) => some(entry, keys, 0, test);
  return (entry, _place, test) => some(entry["event"], keys, 0, test);
}

function visitScalars(value: unknown, visit: (text: string) => boolean): boolean {
  if (typeof value === "string") return visit(value);
  if (typeof value === "number") return visit(String(value));
  if (value === null || typeof value !== "object") return false;
  if (Array.isArray(value)) {
    for (const one of value) if (visitScalars(one, visit)) return true;
    return false;
  }
  if (isRawNumber(value)) return visit(value.rawJSON);
  for (const key in value) if (visitScalars((value as EntryLike)[key], visit)) return true;
  return false;
}

/**
 * Visits the text values of an entry, which free text searches: every string and number in the body (`event`,
 * `quarantine`, `statement` or `summary`) at any depth, except the event's `v` and `time`, and `classes`.
 * Names of members, booleans and the envelope are not text. Stops when `visit` returns true, and returns that.
 */
export function someText(entry: EntryLike, visit: (text: string) => boolean): boolean {
  for (const name of bodies) {
    const body = entry[name];
    if (body === null || typeof body !== "object") continue;
    if (name !== "event") {
      if (visitScalars(body, visit)) return true;
      continue;
    }
    for (const key in body) {
      if (key !== "v" && key !== "time" && visitScalars((body as EntryLike)[key], visit)) return true;
    }
  }
  return visitScalars(entry["classes"], visit);
}
