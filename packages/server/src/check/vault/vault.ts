import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { EvidentError } from "@evident/core";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Ciphertext of bytes that must be erasable, and the names an entry gives it. */
export interface SealedBlob {
  /** First 16 bytes of `digest` in hex: the blob's file name. */
  readonly id: string;
  /** nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16). */
  readonly ciphertext: Uint8Array;
  /** SHA-256 of the ciphertext, base64. */
  readonly digest: string;
}

function encrypt(key: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The keys of blobs, outside the trails: without its key a blob is noise, so erasing the row erases the content, and every proof keeps
 * verifying. Kept with `secure_delete` in a directory of its own (0700, file 0600); one process has it open.
 */
export class Vault {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    const path = join(dir, "vault.sqlite");
    this.#database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    this.#database.exec(
      "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 2000;",
    );
    this.#database.exec(
      "CREATE TABLE IF NOT EXISTS blob_keys (id TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID",
    );
    this.#insert = this.#database.prepare("INSERT INTO blob_keys (id, key) VALUES (?, ?)");
    this.#select = this.#database.prepare("SELECT key FROM blob_keys WHERE id = ?");
  }

  /**
   * Encrypts each content under a key of its own. All keys are durable, in one transaction, when this returns.
   *
   * @throws EvidentError `storage_failed`, `storage_full`
   */
  sealBlobs(contents: readonly Uint8Array[]): SealedBlob[] {
    if (contents.length === 0) return [];
    const sealed = contents.map((plain) => {
      const key = randomBytes(32);
      const ciphertext = encrypt(key, plain);
      const digest = hash("sha256", ciphertext, "buffer");
      return { key, blob: { id: digest.toString("hex", 0, 16), ciphertext, digest: digest.toString("base64") } };
    });
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { key, blob } of sealed) this.#insert.run(blob.id, key);
      this.#database.exec("COMMIT");
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EvidentError(
        /full/.test(message) ? "storage_full" : "storage_failed",
        `the vault could not be written: ${message}`,
        { cause },
      );
    }
    return sealed.map(({ blob }) => blob);
  }

  /** Decrypts a blob; undefined when its key is not (or no longer) in the vault. @throws EvidentError `corrupt_store` for changed bytes */
  openBlob(id: string, ciphertext: Uint8Array): Uint8Array | undefined {
    const row = this.#select.get(id);
    const key = row?.key;
    if (!(key instanceof Uint8Array)) return undefined;
    try {
      const decipher = createDecipheriv(CIPHER, key, ciphertext.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(ciphertext.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new EvidentError("corrupt_store", `blob ${id} is not what was sealed under its key`, { cause });
    }
  }

  close(): void {
    this.#database.close();
  }
}
