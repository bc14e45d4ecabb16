import { toHex, utf8 } from "../encoding/index.ts";
import { nearestName } from "../errors/index.ts";
import { type EntryLike, fieldTest, lookUpField, type Place, parseEntry, valueText } from "../predicate/index.ts";
import { hashLeaf } from "../tree/index.ts";
import { formatCsvCell } from "./csv-cell.ts";
import type { ExportedEntry } from "./exported-entry.ts";

const LINE_END = "\r\n";
const LEAF_HASH = "leafHash";

/** Columns of a CSV export where none are named. */
export const defaultCsvColumns: readonly string[] = (
  "trail index kind received id time actor.type actor.id actor.ns actor.name action.op action.name action.kind resources.type " +
  "resources.id outcome.status outcome.code outcome.reason source.ip source.service source.userAgent impact.rows impact.bytesOut " +
  "trace.requestId origin.source origin.system labels"
).split(" ");

/** A named column, or why there is none. */
export type CsvColumn =
  | { readonly kind: "known"; readonly name: string }
  | { readonly kind: "unknown"; readonly nearest: string | undefined };

/** Resolves a column as a user wrote it: a field or its short name as in a search, or `leafHash`. */
export function lookUpCsvColumn(written: string): CsvColumn {
  if (written.toLowerCase() === LEAF_HASH.toLowerCase()) return { kind: "known", name: LEAF_HASH };
  const found = lookUpField(written);
  if (found.kind === "known") return { kind: "known", name: found.field.name };
  return { kind: "unknown", nearest: found.nearest ?? nearestName(written, [LEAF_HASH]) };
}

type ReadCell = (entry: EntryLike, place: Place, line: string) => string;

/** Several values are a JSON list of texts; so is a single one that could be taken for such a list. */
function joinValues(values: readonly string[]): string {
  const [first = ""] = values;
  return values.length > 1 || first.startsWith("[") ? JSON.stringify(values) : first;
}

function cellReader(name: string): ReadCell {
  if (name === LEAF_HASH) return (_entry, _place, line) => toHex(hashLeaf(utf8(line)));
  const visit = fieldTest(name);
  return (entry, place) => {
    const values: string[] = [];
    visit(entry, place, (value) => {
      const text = valueText(value);
      if (text !== undefined) values.push(text);
      return false;
    });
    return joinValues(values);
  };
}

/** Rows of a CSV export (RFC 4180: commas, CRLF, UTF-8 without a byte order mark). `head` and each row end with their line end. */
export interface CsvTable {
  readonly head: string;
  row(this: void, entry: ExportedEntry): string;
}

/** @param columns names that `lookUpCsvColumn` gave */
export function makeCsvTable(columns: readonly string[]): CsvTable {
  const readers = columns.map(cellReader);
  return {
    head: `${columns.map(formatCsvCell).join(",")}${LINE_END}`,
    row({ trail, index, line }) {
      const entry = parseEntry(line);
      const place = { trail, index };
      return `${readers.map((read) => formatCsvCell(read(entry, place, line))).join(",")}${LINE_END}`;
    },
  };
}
