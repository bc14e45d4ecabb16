import { columns } from "./columns.ts";
import { appendColumns, BIGINT, type ColumnData, type DuckDBAppender, UBIGINT, UINTEGER, USMALLINT } from "./duck.ts";

/** Columns of a table of rows. */
export const rowColumnSql = [
  "row UINTEGER, t BIGINT, idx BIGINT, ip UBIGINT",
  ...columns.map(({ wide }, at) => `c${at} ${wide ? "UINTEGER" : "USMALLINT"}`),
].join(", ");

/** Rows on their way into a table, column by column. */
export class RowBuffer {
  private readonly rows: Uint32Array;
  private readonly times: BigInt64Array;
  private readonly indexes: BigInt64Array;
  private readonly ips: BigUint64Array;
  private readonly codes: readonly (Uint16Array | Uint32Array)[];
  private readonly data: readonly ColumnData[];
  private count = 0;

  constructor(size: number) {
    this.rows = new Uint32Array(size);
    this.times = new BigInt64Array(size);
    this.indexes = new BigInt64Array(size);
    this.ips = new BigUint64Array(size);
    this.codes = columns.map(({ wide }) => (wide ? new Uint32Array(size) : new Uint16Array(size)));
    this.data = [
      { type: UINTEGER, data: this.rows },
      { type: BIGINT, data: this.times },
      { type: BIGINT, data: this.indexes },
      { type: UBIGINT, data: this.ips },
      ...this.codes.map((data, at) => ({ type: columns[at]?.wide ? UINTEGER : USMALLINT, data })),
    ];
  }

  push(row: number, index: number, timeNs: bigint, ip: bigint, codes: readonly number[]): void {
    const at = this.count++;
    this.rows[at] = row;
    this.times[at] = timeNs;
    this.indexes[at] = BigInt(index);
    this.ips[at] = ip;
    for (let column = 0; column < this.codes.length; column++) {
      const data = this.codes[column];
      if (data !== undefined) data[at] = codes[column] ?? 0;
    }
  }

  /** Appends the rows and empties the buffer. */
  flushTo(appender: DuckDBAppender): void {
    appendColumns(appender, this.data, this.count);
    this.count = 0;
  }
}
