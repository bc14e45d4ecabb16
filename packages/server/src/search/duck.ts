import {
  BIGINT,
  type DuckDBAppender,
  DuckDBBlobVector,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  LIST,
  listValue,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  VARCHAR,
} from "@duckdb/node-api";

export type { DuckDBAppender, DuckDBDataChunk };
export { BIGINT, UBIGINT, UINTEGER, USMALLINT, VARCHAR };

/** A bound parameter with its type: an untyped number would be a double, and a cast hides the filter from zone maps. */
export interface Parameter {
  readonly value: DuckDBValue;
  readonly type: DuckDBType;
}

export const u32 = (value: number): Parameter => ({ value, type: UINTEGER });
export const i64 = (value: bigint): Parameter => ({ value, type: BIGINT });
export const u64 = (value: bigint): Parameter => ({ value, type: UBIGINT });
export const u32List = (values: readonly number[]): Parameter => ({
  value: listValue([...values]),
  type: LIST(UINTEGER),
});

/** Collects parameters while SQL text is put together. */
export class Parameters {
  private readonly bound: Parameter[] = [];

  /** The placeholder of one more parameter. */
  add(parameter: Parameter): string {
    this.bound.push(parameter);
    return `$${this.bound.length}`;
  }

  list(): readonly Parameter[] {
    return this.bound;
  }
}

/** A file name or other literal inside a statement that takes no parameters (ATTACH). */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The files of the index do not hold what they should: it must be thrown away and rebuilt from the ledger. */
export class IndexDamage extends Error {
  override readonly name = "IndexDamage";
}

/** The engine gives no more answers, and its files are not to blame: it must be opened again. */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
}

/** How DuckDB words errors about a file's content, and those after which it refuses every statement. */
const damageMessage = /corrupt|checksum|serializ|does not exist|Could not read/i;
const failureMessage = /INTERNAL Error|FATAL Error|has been invalidated/i;

/** Names what an error of a statement means; others (memory, disk full) concern that statement alone. */
function meaningOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (damageMessage.test(error.message)) return new IndexDamage(error.message, { cause: error });
  if (failureMessage.test(error.message)) return new EngineFailure(error.message, { cause: error });
  return error;
}

/** A condition of a statement: its SQL, with what it binds added to the parameters. */
export type Condition = (parameters: Parameters) => string;

/** All conditions together; undefined when there are none. */
export function allConditions(conditions: readonly (Condition | undefined)[]): Condition | undefined {
  const given = conditions.filter((condition) => condition !== undefined);
  if (given.length === 0) return undefined;
  return (parameters) => given.map((condition) => `(${condition(parameters)})`).join(" AND ");
}

/** At least one of the conditions. */
export function anyCondition(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return () => "false";
  return (parameters) => conditions.map((condition) => `(${condition(parameters)})`).join(" OR ");
}

/** Reading connections; each holds a libuv thread while it runs, and the ledger's syncs need these threads too. */
const readers = 2;

/**
 * The one DuckDB engine of the process and its connections. A connection runs one statement at a time, so reading
 * statements wait here for a free one.
 */
export class Duck {
  private readonly instance: DuckDBInstance;
  private readonly free: DuckDBConnection[];
  private readonly waiting: ((connection: DuckDBConnection) => void)[] = [];
  /** For hot tables. */
  readonly writer: DuckDBConnection;
  /** For sealing and attaching segments. */
  readonly sealer: DuckDBConnection;
  private scratch = 0;

  private constructor(instance: DuckDBInstance, connections: readonly DuckDBConnection[]) {
    const [writer, sealer, ...free] = connections;
    if (writer === undefined || sealer === undefined) throw new Error("too few connections");
    this.instance = instance;
    this.writer = writer;
    this.sealer = sealer;
    this.free = free;
  }

  static async open(options: { readonly memoryBytes: number; readonly spillDir: string }): Promise<Duck> {
    const instance = await DuckDBInstance.create(":memory:", {
      threads: "2",
      memory_limit: `${Math.floor(options.memoryBytes / 1_000_000)}MB`,
      temp_directory: options.spillDir,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connections = await Promise.all(Array.from({ length: 2 + readers }, () => instance.connect()));
    // A segment is written in one go and checkpointed once, at its end.
    await connections[0]?.run("SET wal_autocheckpoint = '1TB'");
    return new Duck(instance, connections);
  }

  private async acquire(): Promise<DuckDBConnection> {
    return this.free.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  private release(connection: DuckDBConnection): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(connection);
    else next(connection);
  }

  /** As `read`, for a statement put together as it goes. */
  async select(write: Condition, signal?: AbortSignal): Promise<DuckDBDataChunk[]> {
    const parameters = new Parameters();
    const sql = write(parameters);
    return this.read(sql, parameters.list(), signal);
  }

  /**
   * Runs a reading statement and returns all chunks; an abort interrupts it.
   * @throws IndexDamage, EngineFailure
   */
  async read(sql: string, parameters: readonly Parameter[] = [], signal?: AbortSignal): Promise<DuckDBDataChunk[]> {
    const connection = await this.acquire();
    const interrupt = (): void => connection.interrupt();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", interrupt);
      const result = await connection.run(
        sql,
        parameters.map(({ value }) => value),
        parameters.map(({ type }) => type),
      );
      return await result.fetchAllChunks();
    } catch (error) {
      signal?.throwIfAborted();
      throw meaningOf(error);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      this.release(connection);
    }
  }

  /** Gives `work` a table of its own in memory, with a connection to fill it, and drops it afterwards. */
  async withTable<T>(columnSql: string, work: (table: ScratchTable) => Promise<T>): Promise<T> {
    const connection = await this.instance.connect();
    const name = `scratch_${this.scratch++}`;
    try {
      await connection.run(`CREATE TABLE memory.main.${name}(${columnSql})`);
      const appender = await connection.createAppender(name, "main", "memory");
      try {
        return await work({ name: `memory.main.${name}`, appender });
      } finally {
        appender.closeSync();
        await connection.run(`DROP TABLE memory.main.${name}`);
      }
    } finally {
      connection.closeSync();
    }
  }

  /**
   * Reads `data` of the rows of a table of blobs whose number is wanted. `list_contains` reads only those; a join or
   * an IN list would read every blob of their neighbourhood.
   */
  async readBlobs(
    table: string,
    key: string,
    wanted: readonly number[],
    signal?: AbortSignal,
  ): Promise<Map<number, Uint8Array>> {
    if (wanted.length === 0) return new Map();
    const range = [u32(Math.min(...wanted)), u32(Math.max(...wanted))];
    const sql = `SELECT ${key}, data FROM ${table} WHERE ${key} BETWEEN $1 AND $2 AND list_contains($3, ${key})`;
    return blobsOf(await this.read(sql, [...range, u32List(wanted)], signal));
  }

  close(): void {
    for (const connection of [this.writer, this.sealer, ...this.free]) connection.closeSync();
    this.instance.closeSync();
  }
}

/** A table in memory that lives as long as one query. */
export interface ScratchTable {
  readonly name: string;
  readonly appender: DuckDBAppender;
}

function blobsOf(chunks: readonly DuckDBDataChunk[]): Map<number, Uint8Array> {
  const blobs = new Map<number, Uint8Array>();
  for (const chunk of chunks) {
    const keys = chunk.getColumnVector(0);
    const data = chunk.getColumnVector(1);
    if (!(data instanceof DuckDBBlobVector)) throw new TypeError("the column holds no blobs");
    for (let row = 0; row < chunk.rowCount; row++) {
      const bytes = data.getItemBytes(row);
      if (bytes !== null) blobs.set(Number(keys.getItem(row)), bytes);
    }
  }
  return blobs;
}

/** First column of all chunks as numbers. */
export function numbersOf(chunks: readonly DuckDBDataChunk[]): Uint32Array {
  const values = new Uint32Array(chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0));
  let at = 0;
  for (const chunk of chunks) {
    const vector = chunk.getColumnVector(0);
    for (let row = 0; row < chunk.rowCount; row++) values[at++] = Number(vector.getItem(row));
  }
  return values;
}

/** All rows as arrays of values. */
export function rowsOf(chunks: readonly DuckDBDataChunk[]): DuckDBValue[][] {
  return chunks.flatMap((chunk) => chunk.getRows());
}

/** Rows of a chunk; DuckDB's vectors hold 2,048. */
export const chunkRows = 2_048;

type IntegerArray = Uint16Array | Uint32Array | BigInt64Array | BigUint64Array;

/** One column to append: an array of the type's width. */
export interface ColumnData {
  readonly type: DuckDBType;
  readonly data: IntegerArray;
}

/** The memory of a vector of integers, which the library keeps private; writing it at once saves a call per value. */
function memoryOf(vector: object): object | undefined {
  return (vector as { readonly items?: object }).items;
}

function fillVector(vector: DuckDBVector, data: IntegerArray): void {
  const memory = memoryOf(vector);
  if (memory instanceof Uint16Array && data instanceof Uint16Array) memory.set(data);
  else if (memory instanceof Uint32Array && data instanceof Uint32Array) memory.set(data);
  else if (memory instanceof BigInt64Array && data instanceof BigInt64Array) memory.set(data);
  else if (memory instanceof BigUint64Array && data instanceof BigUint64Array) memory.set(data);
  else for (const [row, value] of data.entries()) vector.setItem(row, value);
  vector.flush();
}

/** Appends the first `count` rows column by column; far cheaper than value by value. */
export function appendColumns(appender: DuckDBAppender, columns: readonly ColumnData[], count: number): void {
  const types = columns.map(({ type }) => type);
  for (let first = 0; first < count; first += chunkRows) {
    const rows = Math.min(chunkRows, count - first);
    const chunk = DuckDBDataChunk.create(types, rows);
    for (const [at, { data }] of columns.entries())
      fillVector(chunk.getColumnVector(at), data.subarray(first, first + rows));
    appender.appendDataChunk(chunk);
  }
}
