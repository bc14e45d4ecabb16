import { EvidentError, ed25519Verify, fromBase64, fromUtf8, parseVerifierKey, toBase64, utf8 } from "@evident/core";
import { type Signer, snapshotMessage } from "../keys/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import { pathOf } from "../trail/index.ts";
import type { Fold } from "../types.ts";

interface Snapshot<State> {
  readonly v: 1;
  readonly fold: string;
  readonly version: number;
  /** Entries of `evident` that the state has seen, and the tree's root over them. */
  readonly size: number;
  readonly root: string;
  readonly state: State;
}

/** Reads entries `[from, to)` of `evident` and the root at a size; how differs between recovery and the running ledger. */
export interface FoldSource {
  readonly size: number;
  entries(from: number, to: number): AsyncIterable<{ readonly first: number; readonly entries: readonly Uint8Array[] }>;
  /** Undefined when the size is not published. */
  rootAt(size: number): Promise<Uint8Array | undefined>;
}

/** Applies one stored line of `evident` to a fold; entries that are no statements leave it as it is. */
export function applyEntry<State>(fold: Fold<State>, state: State, line: Uint8Array, index: number): State {
  const entry = JSON.parse(fromUtf8(line)) as { kind?: unknown; received?: unknown; statement?: unknown };
  if (entry.kind !== "statement" || typeof entry.statement !== "object" || entry.statement === null) return state;
  const statement = entry.statement as { type: string; [key: string]: unknown };
  return fold.apply(state, statement, index, String(entry.received));
}

/**
 * Folds and their signed snapshots in `index/folds/`. A snapshot is used only when its signature is ours and its root is the
 * tree's root at that size; otherwise the fold starts from the beginning.
 */
export class FoldStore {
  readonly #objects: ObjectStore;
  readonly #signer: Signer;

  constructor(objects: ObjectStore, signer: Signer) {
    this.#objects = objects;
    this.#signer = signer;
  }

  async load<State>(fold: Fold<State>, source: FoldSource): Promise<{ readonly state: State }> {
    const snapshot = await this.#newest(fold, source);
    let state = snapshot?.state ?? fold.initial;
    for await (const { first, entries } of source.entries(snapshot?.size ?? 0, source.size)) {
      for (const [i, line] of entries.entries()) state = applyEntry(fold, state, line, first + i);
    }
    return { state };
  }

  /** Writes a snapshot and removes the older ones of this fold. */
  async save<State>(
    fold: Fold<State>,
    state: State,
    head: { readonly size: number; readonly root: Uint8Array },
  ): Promise<void> {
    const snapshot: Snapshot<State> = {
      v: 1,
      fold: fold.name,
      version: fold.version,
      size: head.size,
      root: toBase64(head.root),
      state,
    };
    const text = JSON.stringify(snapshot);
    const signature = toBase64(this.#signer.sign(snapshotMessage(text)));
    const name = `${pathOf.folds}${fold.name}-${String(head.size).padStart(16, "0")}.json`;
    const older = await this.#names(fold);
    await this.#objects.replace(name, utf8(`${text}\n${signature}\n`));
    await this.#objects.remove(older.filter((each) => each !== name));
  }

  async #newest<State>(fold: Fold<State>, source: FoldSource): Promise<Snapshot<State> | undefined> {
    for (const name of (await this.#names(fold)).toReversed()) {
      const snapshot = this.#parse<State>(await this.#objects.read(name));
      if (snapshot?.fold !== fold.name || snapshot.version !== fold.version || snapshot.size > source.size) continue;
      const root = await source.rootAt(snapshot.size);
      if (root !== undefined && toBase64(root) === snapshot.root) return snapshot;
    }
    return undefined;
  }

  async #names<State>(fold: Fold<State>): Promise<readonly string[]> {
    const names = await this.#objects.list(pathOf.folds);
    const form = new RegExp(`^${pathOf.folds}${fold.name}-[0-9]{16}\\.json$`);
    return names.filter((name) => form.test(name));
  }

  #parse<State>(bytes: Uint8Array | undefined): Snapshot<State> | undefined {
    if (bytes === undefined) return undefined;
    try {
      const [text, signature] = fromUtf8(bytes).split("\n");
      if (text === undefined || signature === undefined) return undefined;
      const { publicKey } = parseVerifierKey(this.#signer.key);
      if (!ed25519Verify(publicKey, snapshotMessage(text), fromBase64(signature))) return undefined;
      return JSON.parse(text) as Snapshot<State>;
    } catch (cause) {
      // A damaged snapshot is as good as none: the trail has the state.
      if (cause instanceof SyntaxError || cause instanceof EvidentError || cause instanceof TypeError) return undefined;
      throw cause;
    }
  }
}
