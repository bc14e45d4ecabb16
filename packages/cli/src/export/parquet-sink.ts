import { type FileHandle, open, rm } from "node:fs/promises";
import { constants, createZstdCompress, type ZstdCompress } from "node:zlib";
import type { DuckDBConnection } from "@duckdb/node-api";
import { EvidentError, type ExportedEntry } from "@evident/core";
import { fileError } from "../files/index.ts";
import type { EntrySink, SinkResult } from "./entry-sink.ts";
import { ParquetRows, readColumnsSql, selectColumnsSql } from "./parquet-columns.ts";
import { digestFile, type PartialFile } from "./partial-file.ts";

/** A row group is held in memory until it is written. */
const GROUP_BYTES = 32 * 1024 * 1024;
const MOST_ROWS = 122_880;
/** DuckDB takes groups in such steps. */
const BLOCK_ROWS = 2_048;
/** What DuckDB is given. Above the bound a single step of rows fills a group, and DuckDB needs several times as much as it holds. */
const engines = {
  narrow: { memory_limit: "256MB", threads: "2" },
  wide: { memory_limit: "768MB", threads: "1" },
} as const;

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Writes a Parquet file with DuckDB. The rows are spooled as compressed JSON lines beside the file, since a Parquet file is written in one
 * go; from there DuckDB streams them, so memory stays the same however many there are.
 */
export class ParquetSink implements EntrySink {
  readonly #file: PartialFile;
  readonly #spoolPath: string;
  readonly #spillPath: string;
  readonly #handle: FileHandle;
  readonly #zstd: ZstdCompress;
  readonly #written: Promise<void>;
  #failure: unknown;
  #wake: () => void = () => undefined;
  readonly #rows = new ParquetRows();
  readonly #signal: AbortSignal;
  #entries = 0;
  #blockBytes = 0;
  #largestBlockBytes = 0;

  private constructor(file: PartialFile, handle: FileHandle, signal: AbortSignal) {
    this.#file = file;
    this.#handle = handle;
    this.#signal = signal;
    this.#spoolPath = file.beside("spool");
    this.#spillPath = file.beside("spill");
    this.#zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    this.#zstd.on("drain", () => this.#wake());
    this.#written = this.#spool();
  }

  static async open(file: PartialFile, signal: AbortSignal): Promise<ParquetSink> {
    const path = file.beside("spool");
    try {
      // DuckDB writes into the file as it finds it: for its owner's eyes only.
      await (await open(file.path, "wx", 0o600)).close();
      return new ParquetSink(file, await open(path, "wx", 0o600), signal);
    } catch (cause) {
      await file.discard();
      throw fileError(path, cause);
    }
  }

  /** Resolves when the spool is written, or cannot be: `#failure` tells. */
  async #spool(): Promise<void> {
    try {
      for await (const part of this.#zstd) {
        const bytes = part as Buffer;
        for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
      }
    } catch (cause) {
      this.#failure = cause;
      this.#wake();
    }
  }

  async write(entries: readonly ExportedEntry[]): Promise<void> {
    this.#throwFailure();
    if (this.#zstd.write(Buffer.concat(entries.map((entry) => this.#row(entry))))) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#throwFailure();
  }

  #row(entry: ExportedEntry): Buffer {
    const bytes = Buffer.from(this.#rows.line(entry));
    if (this.#entries % BLOCK_ROWS === 0) this.#blockBytes = 0;
    this.#entries += 1;
    this.#blockBytes += bytes.length;
    this.#largestBlockBytes = Math.max(this.#largestBlockBytes, this.#blockBytes);
    return bytes;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw fileError(this.#spoolPath, this.#failure);
  }

  async finish(): Promise<SinkResult> {
    this.#zstd.end();
    await this.#written;
    this.#throwFailure();
    await this.#handle.close();
    await this.#convert();
    await this.#removeScratch();
    const written = await digestFile(this.#file.path);
    await this.#file.finish();
    const { outOfRange } = this.#rows;
    const note = `${outOfRange} values are null: times outside 1677 to 2262 and counts above 2^63 - 1 do not fit their columns`;
    return { ...written, notes: outOfRange === 0 ? [] : [note] };
  }

  async discard(): Promise<void> {
    this.#zstd.destroy();
    await this.#written;
    await this.#handle.close().catch(() => undefined);
    await this.#removeScratch();
    await this.#file.discard();
  }

  async #removeScratch(): Promise<void> {
    await rm(this.#spoolPath, { force: true });
    await rm(this.#spillPath, { recursive: true, force: true });
  }

  /** Rows of a group, so that the widest of the groups fits: wide rows often stand together. */
  #groupRows(): number {
    const blocks = Math.floor(GROUP_BYTES / Math.max(1, this.#largestBlockBytes));
    return Math.min(MOST_ROWS, Math.max(1, blocks) * BLOCK_ROWS);
  }

  async #convert(): Promise<void> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:", {
      ...engines[this.#largestBlockBytes > GROUP_BYTES / 2 ? "wide" : "narrow"],
      temp_directory: this.#spillPath,
      autoinstall_known_extensions: "false",
    });
    const connection = await instance.connect();
    const interrupt = (): void => connection.interrupt();
    this.#signal.addEventListener("abort", interrupt);
    try {
      this.#signal.throwIfAborted();
      await this.#copy(connection);
    } finally {
      this.#signal.removeEventListener("abort", interrupt);
      connection.closeSync();
      instance.closeSync();
    }
  }

  async #copy(connection: DuckDBConnection): Promise<void> {
    const rows = `read_json(${literal(this.#spoolPath)}, format = 'newline_delimited', compression = 'zstd', auto_detect = false, columns = ${readColumnsSql()})`;
    try {
      await connection.run(
        `COPY (SELECT ${selectColumnsSql()} FROM ${rows}) TO ${literal(this.#file.path)} ` +
          `(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false, ROW_GROUP_SIZE ${this.#groupRows()}, ` +
          `KV_METADATA {evident_export: '1', evident_entries: '${this.#entries}'})`,
      );
    } catch (cause) {
      this.#signal.throwIfAborted();
      const message = cause instanceof Error ? cause.message : String(cause);
      const isFull = /No space left|disk quota/i.test(message);
      throw new EvidentError(
        isFull ? "storage_full" : "storage_failed",
        `the Parquet file cannot be written: ${message.slice(0, 500)}`,
        {
          cause,
          fix: "Check the disk of the output, then run it again.",
        },
      );
    }
  }
}
