import { absentCode, type ColumnValue, columns, overflowCode, undecided } from "./columns.ts";

/** A member of a dictionary: several with the same column and code make a set. */
export interface DictionaryRow {
  readonly column: number;
  readonly code: number;
  readonly value: string;
}

class ColumnCodes {
  readonly bySingle = new Map<string, number>();
  readonly bySet = new Map<string, number>();
  /** Members of the sets by code. */
  readonly sets = new Map<number, readonly string[]>();
  next = absentCode + 1;
  /** Values often come several times in a row. */
  last: string | undefined;
  lastCode = absentCode;
  overflowed = 0;
}

/** Codes of the values of every column of one hot table and of the segment it becomes. */
export class Dictionary {
  private readonly byColumn = columns.map(() => new ColumnCodes());
  private fresh: DictionaryRow[] = [];
  /** UTF-16 units of all values so far, for bounding memory. */
  chars = 0;

  private codesOf(column: number): ColumnCodes {
    const codes = this.byColumn[column];
    if (codes === undefined) throw new RangeError(`no column ${column}`);
    return codes;
  }

  /** The code of a value, given out at its first appearance. */
  encode(column: number, value: ColumnValue): number {
    if (value === undefined) return absentCode;
    const codes = this.codesOf(column);
    if (value === undecided) return this.overflow(column, codes);
    if (typeof value === "string") {
      if (value !== codes.last) {
        codes.lastCode = codes.bySingle.get(value) ?? this.addSingle(column, codes, value);
        codes.last = value;
      } else if (codes.lastCode === overflowCode(column)) codes.overflowed++;
      return codes.lastCode;
    }
    const [first] = value;
    if (value.length === 1 && first !== undefined) return this.encode(column, first);
    const members = [...new Set(value)].sort();
    return members.length === 1 ? this.encode(column, members[0]) : this.encodeSet(column, codes, members);
  }

  private addSingle(column: number, codes: ColumnCodes, value: string): number {
    if (codes.next >= overflowCode(column)) return this.overflow(column, codes);
    codes.bySingle.set(value, codes.next);
    this.note({ column, code: codes.next, value });
    return codes.next++;
  }

  private encodeSet(column: number, codes: ColumnCodes, members: readonly string[]): number {
    const key = JSON.stringify(members);
    const known = codes.bySet.get(key);
    if (known !== undefined) return known;
    if (codes.next >= overflowCode(column)) return this.overflow(column, codes);
    codes.bySet.set(key, codes.next);
    codes.sets.set(codes.next, members);
    for (const value of members) this.note({ column, code: codes.next, value });
    return codes.next++;
  }

  private note(row: DictionaryRow): void {
    this.fresh.push(row);
    this.chars += row.value.length;
  }

  /** Rows since the last call. */
  takeFresh(): readonly DictionaryRow[] {
    const { fresh } = this;
    this.fresh = [];
    return fresh;
  }

  private overflow(column: number, codes: ColumnCodes): number {
    codes.overflowed++;
    return overflowCode(column);
  }

  /** Rows per column whose value has the overflow code. */
  overflowed(column: number): number {
    return this.codesOf(column).overflowed;
  }

  /** All codes of a column with their values. */
  *rows(column: number): Generator<DictionaryRow> {
    const codes = this.codesOf(column);
    for (const [value, code] of codes.bySingle) yield { column, code, value };
    for (const [code, members] of codes.sets) for (const value of members) yield { column, code, value };
  }

  /** The code of exactly this single value. */
  codeOf(column: number, value: string): number | undefined {
    return this.codesOf(column).bySingle.get(value);
  }
}
