import { type EntryLike, valueText } from "@evident/core";

/**
 * A field kept as a dictionary code per row. `wide` columns take 4 bytes and up to 262,143 distinct values a segment,
 * others 2 bytes and 65,534; what comes after, and `null`, gets the overflow code and is decided from the line.
 */
export interface Column {
  readonly field: string;
  readonly wide: boolean;
  /** A set of values per row; its code stands for the whole set. */
  readonly many: boolean;
}

const narrow = (field: string): Column => ({ field, wide: false, many: false });
const wide = (field: string): Column => ({ field, wide: true, many: false });

/** The position in this list is the column's number in the index files: changing it needs a new `indexVersion`. */
export const columns: readonly Column[] = [
  narrow("trail"),
  narrow("kind"),
  narrow("outcome.status"),
  narrow("action.op"),
  narrow("action.kind"),
  narrow("action.name"),
  narrow("actor.type"),
  wide("actor.id"),
  wide("source.ip"),
  narrow("outcome.code"),
  narrow("origin.tenant"),
  narrow("origin.source"),
  narrow("origin.system"),
  { field: "resources.type", wide: false, many: true },
  { field: "resources.id", wide: true, many: true },
  { field: "labels", wide: false, many: true },
  { field: "classes", wide: false, many: true },
  narrow("source.service"),
  narrow("statement.type"),
];

export const trailColumn = 0;
export const statusColumn = 2;
export const actorColumn = 7;
export const ipColumn = 8;
export const resourceColumn = 14;

/** Raise it when rows, hashes or files change meaning: an index of another version is thrown away and rebuilt. */
export const indexVersion = 1;

const numberByField = new Map(columns.map((column, at) => [column.field, at]));

/** The number of the column that holds a field. */
export function columnOf(field: string): number | undefined {
  return numberByField.get(field);
}

/** Code of a row without the field. */
export const absentCode = 0;

/** Code of a value that did not fit into the dictionary. */
export function overflowCode(column: number): number {
  return columns[column]?.wide ? 262_144 : 65_535;
}

/** Stands for a value that a dictionary cannot hold (`null` is there, but is no text): decided from the line. */
export const undecided: unique symbol = Symbol("undecided");

/** Values of one entry, one per column: text, a set of texts, or undefined where the field is absent. */
export type ColumnValue = string | readonly string[] | typeof undecided | undefined;

function child(value: unknown, key: string): unknown {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return undefined;
  return (value as EntryLike)[key];
}

function collect(value: unknown, found: string[]): boolean {
  if (value === undefined) return true;
  // Nested lists count member by member, as for the predicate.
  if (Array.isArray(value)) return value.every((one) => collect(one, found));
  const text = valueText(value);
  if (text !== undefined) found.push(text);
  return text !== undefined;
}

function texts(value: unknown): ColumnValue {
  if (value === undefined) return undefined;
  const found: string[] = [];
  if (!collect(value, found)) return undecided;
  return found.length === 0 ? undefined : found;
}

/** One text where there is one; whatever else a schema-free body holds becomes a set. */
function single(value: unknown): ColumnValue {
  return typeof value === "string" || value === undefined ? value : texts(value);
}

/** A text or nothing: the row's address stands in a column of its own too, which holds one. */
function onlyText(value: unknown): ColumnValue {
  return typeof value === "string" || value === undefined ? value : undecided;
}

function members(list: unknown, key: string): ColumnValue {
  if (!Array.isArray(list)) return texts(child(list, key));
  const only: unknown = list[0];
  const first = list.length === 1 ? child(only, key) : undefined;
  return typeof first === "string" ? first : texts(list.map((one) => child(one, key)));
}

/** The values of an entry in the order of `columns`. */
export function columnValues(entry: EntryLike, trail: string): ColumnValue[] {
  const event = child(entry, "event");
  const actor = child(event, "actor");
  const action = child(event, "action");
  const outcome = child(event, "outcome");
  const source = child(event, "source");
  const origin = child(event, "origin");
  const resources = child(event, "resources");
  return [
    trail,
    single(entry["kind"]),
    single(child(outcome, "status")),
    single(child(action, "op")),
    single(child(action, "kind")),
    single(child(action, "name")),
    single(child(actor, "type")),
    single(child(actor, "id")),
    onlyText(child(source, "ip")),
    single(child(outcome, "code")),
    single(child(origin, "tenant")),
    single(child(origin, "source")),
    single(child(origin, "system")),
    members(resources, "type"),
    members(resources, "id"),
    texts(child(event, "labels")),
    texts(entry["classes"]),
    single(child(source, "service")),
    single(child(entry["statement"], "type")),
  ];
}
