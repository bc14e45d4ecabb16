import { chmodSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { EvidentError } from "@evident/core";
import type { Generation } from "./generation.ts";
import { columns, fromRow, toRow } from "./generation-row.ts";

const VERSION = 1;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS follower (version INTEGER NOT NULL, host TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS patterns (pattern TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS generations (
  id INTEGER PRIMARY KEY,
  log TEXT NOT NULL, first_line TEXT NOT NULL, ignored INTEGER NOT NULL, path TEXT NOT NULL, file TEXT,
  start_offset INTEGER NOT NULL, start_line INTEGER NOT NULL, start_key TEXT NOT NULL,
  offset INTEGER NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL, replay TEXT,
  head_at INTEGER NOT NULL, head_digest TEXT NOT NULL, read_at INTEGER NOT NULL, read_digest TEXT NOT NULL,
  ahead_offset INTEGER, ahead_ms REAL, cuts TEXT NOT NULL, seen_bytes INTEGER NOT NULL, seen_ms REAL NOT NULL
) STRICT;`;

/**
 * How far every file has been read and stored, in one SQLite file that one follower at a time may hold. What `save` was given is durable
 * when it returns.
 */
export class FollowState {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;
  readonly #remove: StatementSync;
  readonly #path: string;
  /** Name of the machine in the keys of records; it stays when the machine is renamed. */
  readonly host: string;

  /**
   * @param host used when the file is new
   * @throws EvidentError `store_in_use` when another follower holds it, `malformed` when it is no such file, `storage_failed`
   */
  constructor(path: string, host: string) {
    this.#path = path;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: 0 });
      // The lock is kept until the process ends, however it ends. One sync of the log makes a commit durable.
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      database.exec(`BEGIN EXCLUSIVE; ${SCHEMA} COMMIT`);
      chmodSync(path, 0o600);
      this.host = openHost(database, host);
      const slots = columns.map((column) => `:${column}`).join(", ");
      this.#save = database.prepare(`INSERT OR REPLACE INTO generations (${columns.join(", ")}) VALUES (${slots})`);
      this.#remove = database.prepare("DELETE FROM generations WHERE id = ?");
    } catch (cause) {
      if (database?.isOpen === true) database.close();
      throw stateError(path, cause);
    }
    this.#database = database;
  }

  /** @throws EvidentError `malformed` */
  load(): readonly Generation[] {
    return this.#run(() => this.#database.prepare("SELECT * FROM generations ORDER BY id").all().map(fromRow));
  }

  /** Patterns whose files have been looked at once. */
  patterns(): ReadonlySet<string> {
    return this.#run(
      () =>
        new Set(
          this.#database
            .prepare("SELECT pattern FROM patterns")
            .all()
            .map(({ pattern }) => String(pattern)),
        ),
    );
  }

  /** Makes all of it durable, or nothing. @throws EvidentError `storage_failed`, `storage_full` */
  save(generations: Iterable<Generation>, patterns: readonly string[] = []): void {
    this.#run(() => {
      this.#transaction(() => {
        for (const each of generations) this.#save.run(toRow(each));
        const insert = this.#database.prepare("INSERT OR IGNORE INTO patterns (pattern) VALUES (?)");
        for (const pattern of patterns) insert.run(pattern);
      });
    });
  }

  forget(generations: readonly Generation[]): void {
    this.#run(() => {
      this.#transaction(() => {
        for (const { id } of generations) this.#remove.run(id);
      });
    });
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #transaction(body: () => void): void {
    this.#database.exec("BEGIN");
    try {
      body();
      this.#database.exec("COMMIT");
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw cause;
    }
  }

  #run<Result>(body: () => Result): Result {
    try {
      return body();
    } catch (cause) {
      throw stateError(this.#path, cause);
    }
  }
}

function openHost(database: DatabaseSync, host: string): string {
  const row = database.prepare("SELECT version, host FROM follower").get();
  if (row === undefined) {
    database.prepare("INSERT INTO follower (version, host) VALUES (?, ?)").run(VERSION, host);
    return host;
  }
  if (row["version"] === VERSION) return String(row["host"]);
  throw new EvidentError("malformed", `the state is of version ${String(row["version"])}, not ${VERSION}`, {
    fix: "Use the version of Evident that wrote it, or another --state.",
  });
}

function stateError(path: string, cause: unknown): unknown {
  if (cause instanceof EvidentError || !(cause instanceof Error)) return cause;
  const code = "errcode" in cause ? Number(cause.errcode) & 0xff : undefined;
  if (code === SQLITE_BUSY) {
    return new EvidentError("store_in_use", `${path} is in use by another follower`, {
      cause,
      fix: "Stop the other one, or name another file with --state: each follower has its own.",
    });
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new EvidentError("malformed", `${path} is no state of a follower: ${cause.message}`, {
      cause,
      fix: "Name another file, or move it away: files are then read from their beginning, and what is stored already is recognised.",
    });
  }
  return new EvidentError("storage_failed", `${path}: ${cause.message}`, {
    cause,
    fix: "Check that its directory is there, writable and not full.",
  });
}
