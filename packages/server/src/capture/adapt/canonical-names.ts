import type { JsonObject } from "./json-fields.ts";

/**
 * Gives the members of an object the names they should have: exports and data lakes write `eventType` as `eventtype` or `EventType`.
 * A member that has its name already wins. What needs no change is the same object.
 */
export function canonicalNames(value: JsonObject, names: Iterable<string>): JsonObject {
  let renamed: Record<string, unknown> | undefined;
  let found: Map<string, string> | undefined;
  for (const name of names) {
    if (Object.hasOwn(value, name)) continue;
    found ??= new Map(Object.keys(value).map((key) => [key.toLowerCase(), key]));
    const key = found.get(name.toLowerCase());
    if (key === undefined) continue;
    renamed ??= { ...value };
    renamed[name] = value[key];
  }
  return renamed ?? value;
}
