import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const FILE_NAME = "vault.sqlite";

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Makes the vault's directory for its owner only, durable in the directory above. */
export function makeVaultDirectory(dir: string): void {
  if (mkdirSync(dir, { recursive: true, mode: 0o700 }) !== undefined) syncDirectory(dirname(dir));
  chmodSync(dir, 0o700);
}

/**
 * Opens the vault's database, with its table. Overwrites what is deleted; a commit is durable when it returns: `EXTRA` also syncs the
 * directory after the journal is gone, without which a power loss could bring the journal back and take the commit with it.
 */
export function openDatabase(dir: string): DatabaseSync {
  const path = join(dir, FILE_NAME);
  const database = new DatabaseSync(path);
  chmodSync(path, 0o600);
  database.exec(
    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON;",
  );
  database.exec("CREATE TABLE IF NOT EXISTS blob_keys (id TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID");
  return database;
}
