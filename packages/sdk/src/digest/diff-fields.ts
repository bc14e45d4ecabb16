const MAX_DEPTH = 8;
/** What the event schema allows in `impact.fields`. */
const MAX_FIELDS = 1_000;
const MAX_NAME = 1_024;

type Members = Readonly<Record<string, unknown>>;

/** Values with members of their own; a Date or any other instance of a class is one value. */
function isPlain(value: unknown): value is Members {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isSame(before: unknown, after: unknown): boolean {
  if (Object.is(before, after)) return true;
  if (typeof before !== "object" || typeof after !== "object") return false;
  return JSON.stringify(before) === JSON.stringify(after);
}

function collect(before: unknown, after: unknown, path: string, found: string[]): void {
  if (found.length >= MAX_FIELDS) return;
  const goDeeper = isPlain(before) && isPlain(after) && path.split(".").length <= MAX_DEPTH;
  if (!goDeeper) {
    if (!isSame(before, after) && path !== "") found.push(path.slice(0, MAX_NAME));
    return;
  }
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort())
    collect(before[name], after[name], path === "" ? name : `${path}.${name}`, found);
}

/**
 * Names of the fields that differ, dotted and sorted, at most 1,000; a list is one field. Values are never in the result. A value that is
 * missing on one side counts all fields of the other.
 *
 * @example diffFields({ a: 1, b: { c: 2 } }, { a: 1, b: { c: 3 } }) // ["b.c"]
 */
export function diffFields(before: unknown, after: unknown): readonly string[] {
  const found: string[] = [];
  collect(before ?? {}, after ?? {}, "", found);
  return found;
}
