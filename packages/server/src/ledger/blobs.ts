import { EvidentError, fromBase64, fromUtf8, sha256, toHex } from "@evident/core";
import { passes } from "./ledger-failure.ts";
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
  /** Pending blobs whose fate is decided but not carried out: the name they get, or undefined when they go. */
  readonly #decided = new Map<string, string | undefined>();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** Makes the blobs of drafts durable. When it throws, none of them is kept. */
  async prepare(trail: string, drafts: readonly Draft[]): Promise<void> {
    const objects = drafts.flatMap(({ blob }) =>
      blob === undefined ? [] : [{ name: pendingName(trail, blob.id), bytes: blob.ciphertext }],
    );
    try {
      if (objects.length > 0) await this.#objects.createMany(objects);
    } catch (cause) {
      this.drop(trail, drafts);
      throw cause;
    }
  }

  /**
   * `stored[i]` tells whether `drafts[i]` became an entry; the others' blobs are removed. What a full disk prevents is left to the
   * next call of `finish`: the entries are stored and their blobs can be read.
   */
  async settle(trail: string, drafts: readonly Draft[], stored: readonly boolean[]): Promise<void> {
    this.#decide(trail, drafts, stored);
    try {
      await this.finish();
    } catch (cause) {
      if (!passes(cause)) throw cause;
    }
  }

  /** None of the drafts became an entry; `finish` removes their blobs. */
  drop(trail: string, drafts: readonly Draft[]): void {
    this.#decide(trail, drafts, []);
  }

  /** Carries out all that is decided. Entries are sealed only after that: a start after a crash looks among the unsealed ones. */
  async finish(): Promise<void> {
    const decided = [...this.#decided];
    const kept = decided.flatMap(([from, to]) => (to === undefined ? [] : [{ from, to }]));
    const dropped = decided.flatMap(([from, to]) => (to === undefined ? [from] : []));
    if (kept.length > 0) await this.#objects.renameMany(kept);
    if (dropped.length > 0) await this.#objects.remove(dropped);
    for (const [from] of decided) this.#decided.delete(from);
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

  #decide(trail: string, drafts: readonly Draft[], stored: readonly boolean[]): void {
    for (const [i, { blob }] of drafts.entries()) {
      if (blob === undefined) continue;
      this.#decided.set(pendingName(trail, blob.id), stored[i] === true ? pathOf.blob(trail, blob.id) : undefined);
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
