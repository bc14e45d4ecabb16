import { isRawNumber } from "@evident/core";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The member at a path; undefined where any step is missing, no object or not the object's own. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at: unknown = value;
  for (const step of path) {
    if (!isObject(at) || !Object.hasOwn(at, step)) return undefined;
    at = at[step];
  }
  return at;
}

/** Text at a path: a string that says something, or a number or boolean as its text. "" and "-" are undefined. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  return toText(field(value, ...path));
}

/** A scalar as text; undefined for "", "-", null, objects and arrays. */
export function toText(found: unknown): string | undefined {
  if (typeof found === "string") return found === "" || found === "-" ? undefined : found;
  if (typeof found === "number" || typeof found === "boolean") return String(found);
  return isRawNumber(found) ? found.rawJSON : undefined;
}

export function objectAt(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  const found = field(value, ...path);
  return isObject(found) ? found : undefined;
}

/** The array at a path; empty when there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

/** The texts of an array at a path. */
export function textsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).flatMap((item) => toText(item) ?? []);
}
