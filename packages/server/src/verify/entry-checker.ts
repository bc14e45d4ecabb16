import { EvidentError, fromBase64, fromUtf8, parseEntryHead, readStatement, toHex } from "@evident/core";
import { checkBlob } from "./check-blob.ts";
import { type ActedStatement, actedStatements, type EntryFault, type FoundStatement, type RunFacts } from "./tasks.ts";

const BRACE = 0x7d;
const HEAD_END = Buffer.from('","sent":"');
const BLOB = Buffer.from('"blob":{"digest":"');
const MAX_FAULTS = 1_000;
const acted: ReadonlySet<string> = new Set(actedStatements);

function isActed(statement: { readonly type: string }): statement is ActedStatement {
  return acted.has(statement.type);
}

/**
 * Looks at the stored lines of a run in order: their fixed beginning, that `received` never decreases, the blobs they name, and in
 * trail `evident` their statements. What a line says inside its event is held by its hash, not looked at here.
 */
export class EntryChecker {
  readonly #dataDir: string | undefined;
  readonly #trail: string;
  readonly #first: number;
  #count = 0;
  /** Beginning of the line before, up to `"sent":"`: the lines of one millisecond share it. */
  #head: Uint8Array = new Uint8Array();
  #firstReceived = "";
  #received = "";
  readonly #faults: EntryFault[] = [];
  readonly #statements: FoundStatement[] = [];
  readonly #blobIds: string[] = [];
  readonly #pendingBlobs: string[] = [];

  /** @param dataDir where the blobs lie; undefined: they are not looked for */
  constructor(dataDir: string | undefined, trail: string, first: number) {
    this.#dataDir = dataDir;
    this.#trail = trail;
    this.#first = first;
  }

  /**
   * Looks at the next line, which lies at `[start, end)`.
   *
   * @param mayNameBlob false when the caller knows that no line of this buffer names one
   */
  check(buffer: Buffer, start: number, end: number, mayNameBlob: boolean): void {
    const index = this.#first + this.#count;
    this.#count += 1;
    if (!this.#sharesHead(buffer, start, end)) this.#readHead(buffer, start, end, index);
    if (this.#trail === "evident" || (mayNameBlob && buffer.subarray(start, end).includes(BLOB))) {
      this.#readLine(buffer.subarray(start, end), index);
    }
  }

  /** Entries that could not be read keep their place in the count. */
  skip(count: number): void {
    this.#count += count;
  }

  fault(fault: EntryFault): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(fault);
  }

  facts(): RunFacts {
    return {
      first: this.#first,
      count: this.#count,
      received: [this.#firstReceived, this.#received],
      faults: this.#faults,
      statements: this.#statements,
      blobIds: Uint8Array.fromHex(this.#blobIds.join("")),
      pendingBlobs: this.#pendingBlobs,
    };
  }

  #sharesHead(buffer: Buffer, start: number, end: number): boolean {
    const head = this.#head;
    if (head.length === 0 || end - start <= head.length || buffer[end - 1] !== BRACE) return false;
    for (let i = 0; i < head.length; i += 1) if (buffer[start + i] !== head[i]) return false;
    return true;
  }

  #readHead(buffer: Buffer, start: number, end: number, index: number): void {
    const line = buffer.subarray(start, end);
    const head = parseEntryHead(line);
    if (head === undefined) {
      this.fault({ index, kind: "malformed", detail: "the line does not begin and end as a stored line does" });
      return;
    }
    if (head.received < this.#received) {
      const detail = `received at ${head.received}, after an entry received at ${this.#received}`;
      this.fault({ index, kind: "reordered", detail });
    }
    this.#received = head.received;
    if (this.#firstReceived === "") this.#firstReceived = head.received;
    this.#head = Uint8Array.from(line.subarray(0, line.indexOf(HEAD_END) + HEAD_END.length));
  }

  #readLine(line: Uint8Array, index: number): void {
    let entry: unknown;
    try {
      entry = JSON.parse(fromUtf8(line));
    } catch (cause) {
      if (!(cause instanceof SyntaxError || cause instanceof EvidentError)) throw cause;
      this.fault({ index, kind: "malformed", detail: "the line is not JSON" });
      return;
    }
    if (typeof entry !== "object" || entry === null) return;
    if (this.#trail === "evident" && "statement" in entry) this.#readStatement(entry.statement, index);
    if ("blob" in entry) this.#readBlob(entry.blob, index);
  }

  #readStatement(value: unknown, index: number): void {
    const read = readStatement(value);
    if (read.kind === "malformed") this.fault({ index, kind: "malformed", detail: `statement: ${read.detail}` });
    const statement = read.kind === "known" && isActed(read.statement) ? read.statement : undefined;
    this.#statements.push({ index, statement });
  }

  #readBlob(blob: unknown, index: number): void {
    const { digest, sizeBytes } = (blob ?? {}) as { readonly digest?: unknown; readonly sizeBytes?: unknown };
    const sha256 = typeof digest === "string" ? decodeDigest(digest) : undefined;
    if (sha256 === undefined || typeof sizeBytes !== "number") {
      this.fault({ index, kind: "malformed", detail: "the blob's digest or size is not one" });
      return;
    }
    const id = toHex(sha256.subarray(0, 16));
    this.#blobIds.push(id);
    if (this.#dataDir === undefined) return;
    const found = checkBlob(this.#dataDir, `blobs/${this.#trail}/${id}`, { sha256, sizeBytes });
    if (found.kind === "pending") this.#pendingBlobs.push(id);
    else if (found.kind !== "intact") this.fault({ index, ...found });
  }
}

function decodeDigest(text: string): Uint8Array | undefined {
  try {
    const bytes = fromBase64(text);
    return bytes.length === 32 ? bytes : undefined;
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw cause;
  }
}
