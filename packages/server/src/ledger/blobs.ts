import { EvidentError, fromBase64, fromUtf8, sha256, toHex } from "@evident/core";
import type { ObjectStore } from "./storage/index.ts";
import { type EntryReader, pathOf, sealedEnd, type Trail } from "./trail/index.ts";
import type { Draft } from "./types.ts";

const PENDING = ".pending";
const ID = /^[0-9a-f]{32}$/;

/** A blob's name: the first 16 bytes of its ciphertext's SHA-256 in hex. */
export function blobId(ciphertext: Uint8Array): string {
  return toHex(sha256(ciphertext).subarray(0, 16));
}

/**
 * Ciphertext that entries name by digest. Durable as `<id>.pending` before the entry is committed, renamed once it is, so that a crash
 * leaves either a blob whose entry exists or a pending one that can be told apart and removed.
 */
export class BlobStore {
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  async prepare(trail: string, drafts: readonly Draft[]): Promise<void> {
    const objects = drafts.flatMap(({ blob }) =>
      blob === undefined ? [] : [{ name: pendingName(trail, blob.id), bytes: blob.ciphertext }],
    );
    if (objects.length > 0) await this.#objects.createMany(objects);
  }

  /** `stored[i]` tells whether `drafts[i]` became an entry; the others' blobs are removed. */
  async settle(trail: string, drafts: readonly Draft[], stored: readonly boolean[]): Promise<void> {
    const kept: { from: string; to: string }[] = [];
    const dropped: string[] = [];
    for (const [i, { blob }] of drafts.entries()) {
      if (blob === undefined) continue;
      const from = pendingName(trail, blob.id);
      if (stored[i] === true) kept.push({ from, to: pathOf.blob(trail, blob.id) });
      else dropped.push(from);
    }
    if (kept.length > 0) await this.#objects.renameMany(kept);
    if (dropped.length > 0) await this.#objects.remove(dropped);
  }

  async read(trail: string, id: string): Promise<Uint8Array | undefined> {
    if (!ID.test(id)) throw new EvidentError("bad_request", "a blob id has 32 hex characters");
    return (await this.#objects.read(pathOf.blob(trail, id))) ?? (await this.#objects.read(pendingName(trail, id)));
  }

  /** After a crash: pending blobs whose entry was committed get their name, the others are removed. */
  async recover(trails: Iterable<Trail>, reader: EntryReader): Promise<void> {
    for (const trail of trails) {
      const pending = (await this.#objects.list(pathOf.blobs(trail.name))).filter((name) => name.endsWith(PENDING));
      if (pending.length === 0) continue;
      const named = new Set<string>();
      for await (const { entries } of reader.range(trail, sealedEnd(trail), trail.durable.size)) {
        for (const entry of entries) {
          const id = blobIdOf(entry);
          if (id !== undefined) named.add(pendingName(trail.name, id));
        }
      }
      const kept = pending.filter((name) => named.has(name));
      await this.#objects.renameMany(kept.map((from) => ({ from, to: from.slice(0, -PENDING.length) })));
      await this.#objects.remove(pending.filter((name) => !named.has(name)));
    }
  }
}

function pendingName(trail: string, id: string): string {
  return `${pathOf.blob(trail, id)}${PENDING}`;
}

function blobIdOf(line: Uint8Array): string | undefined {
  const { blob } = JSON.parse(fromUtf8(line)) as { blob?: { digest?: unknown } };
  return typeof blob?.digest === "string" ? toHex(fromBase64(blob.digest).subarray(0, 16)) : undefined;
}
