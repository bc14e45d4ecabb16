import { type Condition, rowsOf, u32 } from "./duck.ts";
import type { Running } from "./run-query.ts";
import type { Selection } from "./select-rows.ts";
import type { ValueCounts } from "./value-counts.ts";

function fromColumn({ unit, condition }: Selection, column: number): Condition {
  return (parameters) => `SELECT value, n FROM (
      SELECT c${column} AS code, count(*) AS n FROM ${unit.table} WHERE ${condition(parameters)} GROUP BY code
    ) JOIN (SELECT code, value FROM ${unit.dictTable} WHERE field = ${parameters.add(u32(column))}) USING (code)`;
}

/** The most frequent values of a counted field over the selected rows, equal counts in order of value. */
export async function topValues(
  field: number,
  selections: readonly Selection[],
  counts: ValueCounts,
  { topLimit }: { readonly topLimit: number },
  { lease, signal }: Running,
): Promise<readonly { readonly value: string; readonly count: number }[]> {
  const column = counts.fields[field]?.column;
  const parts: Condition[] = [
    (parameters) => `SELECT value, n FROM ${counts.table.name} WHERE field = ${parameters.add(u32(field))}`,
    ...(column === undefined ? [] : selections.map((selection) => fromColumn(selection, column))),
  ];
  const chunks = await lease.duck.select(
    (parameters) => `SELECT value, sum(n) AS total FROM (${parts.map((part) => part(parameters)).join(" UNION ALL ")})
      GROUP BY value ORDER BY total DESC, value LIMIT ${topLimit}`,
    signal,
  );
  return rowsOf(chunks).map(([value, count]) => ({ value: String(value), count: Number(count) }));
}
