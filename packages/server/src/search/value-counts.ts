import { type FieldTest, fieldTest, valueText } from "@evident/core";
import { columnOf } from "./columns.ts";
import type { ScratchTable } from "./duck.ts";
import type { MatchingLine } from "./match-lines.ts";

/** Values counted here before they go to the table, which may spill to disk. */
const mostValues = 50_000;

/** A field whose values are counted; `column` where the tables hold them. */
export interface CountedField {
  readonly column: number | undefined;
  readonly test: FieldTest;
}

/** Counts values that only the lines tell, in a table (field, value, n); a value may stand there several times. */
export class ValueCounts {
  readonly fields: readonly CountedField[];
  readonly table: ScratchTable;
  private readonly counts: readonly Map<string, number>[];
  private waiting = 0;

  constructor(fields: readonly string[], table: ScratchTable) {
    this.fields = fields.map((field) => ({ column: columnOf(field), test: fieldTest(field) }));
    this.counts = fields.map(() => new Map());
    this.table = table;
  }

  /** Counts an entry once for each of its distinct values of a field. */
  add(field: number, { entry, place }: MatchingLine): void {
    const counts = this.counts[field];
    const test = this.fields[field]?.test;
    if (counts === undefined || test === undefined) return;
    const values = new Set<string>();
    test(entry, place, (value) => {
      const text = valueText(value);
      if (text !== undefined) values.add(text);
      return false;
    });
    for (const value of values) {
      const known = counts.get(value);
      if (known === undefined) this.waiting++;
      counts.set(value, (known ?? 0) + 1);
    }
    if (this.waiting >= mostValues) this.flush();
  }

  /** Moves all counts to the table. */
  flush(): void {
    const { appender } = this.table;
    for (const [field, counts] of this.counts.entries()) {
      for (const [value, n] of counts) {
        appender.appendUInteger(field);
        appender.appendVarchar(value);
        appender.appendUInteger(n);
        appender.endRow();
      }
      counts.clear();
    }
    appender.flushSync();
    this.waiting = 0;
  }
}
