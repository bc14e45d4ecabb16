import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { EvidentError } from "@evident/core";
import { KeyWriter } from "./key-writer.ts";
import { makeVaultDirectory, openDatabase } from "./open-database.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
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
  readonly #select: StatementSync;
  readonly #writer: KeyWriter;

  /** @throws EvidentError `storage_failed` when the directory cannot be used */
  constructor(dir: string) {
    try {
      makeVaultDirectory(dir);
      this.#database = openDatabase(dir);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EvidentError("storage_failed", `the vault ${dir} could not be opened: ${message}`, { cause });
    }
    this.#select = this.#database.prepare("SELECT key FROM blob_keys WHERE id = ?");
    this.#writer = new KeyWriter(dir);
  }

  /**
   * Encrypts each content under a key of its own. All keys are durable, in one transaction, when this resolves.
   *
   * @throws EvidentError `storage_failed`, `storage_full`
   */
  async sealBlobs(contents: readonly Uint8Array[]): Promise<SealedBlob[]> {
    if (contents.length === 0) return [];
    const sealed = contents.map((plain) => {
      const key = randomBytes(KEY_BYTES);
      const ciphertext = encrypt(key, plain);
      const digest = hash("sha256", ciphertext, "buffer");
      return { key, blob: { id: digest.toString("hex", 0, 16), ciphertext, digest: digest.toString("base64") } };
    });
    await this.#writer.write(sealed.map(({ key, blob }) => ({ id: blob.id, key })));
    return sealed.map(({ blob }) => blob);
  }

  /** Decrypts a blob; undefined when its key is not (or no longer) in the vault. @throws EvidentError `corrupt_store` for changed bytes */
  openBlob(id: string, ciphertext: Uint8Array): Uint8Array | undefined {
    const row = this.#select.get(id);
    const key = row?.key;
    if (!(key instanceof Uint8Array)) return undefined;
    try {
      const decipher = createDecipheriv(CIPHER, key, ciphertext.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(ciphertext.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new EvidentError("corrupt_store", `blob ${id} is not what was sealed under its key`, { cause });
    }
  }

  /** Waits for keys that are being written. */
  async close(): Promise<void> {
    await this.#writer.close();
    this.#database.close();
  }
}
