import { maskSql, parseSql, type SqlFact } from "../../sql/index.ts";

const MAX_ENTRIES = 2_000;
const MAX_CHARACTERS = 2_000_000;
const REDACTED = /<REDACTED>$/;

/** Reads statements; those read lately are remembered, for applications repeat theirs. */
export class FactReader {
  readonly #known = new Map<string, readonly SqlFact[] | undefined>();
  #characters = 0;

  /** What the statements of a text do; undefined when it cannot be read. */
  read(sql: string): readonly SqlFact[] | undefined {
    if (this.#known.has(sql)) return this.#known.get(sql);
    const facts = parse(sql);
    if (this.#known.size >= MAX_ENTRIES || this.#characters + sql.length > MAX_CHARACTERS) this.#forget();
    this.#known.set(sql, facts);
    this.#characters += sql.length;
    return facts;
  }

  #forget(): void {
    this.#known.clear();
    this.#characters = 0;
  }
}

function parse(sql: string): readonly SqlFact[] | undefined {
  const { parsable } = maskSql(sql);
  if (parsable !== undefined) {
    const facts = parseSql(parsable);
    if (facts !== undefined) return facts;
  }
  // pgaudit cuts off everything from a password on.
  if (!REDACTED.test(sql)) return undefined;
  return parseSql(sql.replace(REDACTED, "NULL")) ?? parseSql(sql.replace(REDACTED, "'')"));
}
