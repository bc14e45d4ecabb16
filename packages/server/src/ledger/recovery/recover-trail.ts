import {
  asHash,
  EvidentError,
  emptyRoot,
  equalBytes,
  fromBase64,
  hashLeaf,
  openCheckpoint,
  rootFromTiles,
  toBase64,
} from "@evident/core";
import { type CheckpointSigner, type KeyFiles, makeCheckpointSigner } from "../keys/index.ts";
import { checkRotationNote } from "../publish/index.ts";
import type { TrailState } from "../state/index.ts";
import type { Storage } from "../storage/index.ts";
import {
  partialTiles,
  pathOf,
  readTile,
  type SealedFile,
  sealedEnd,
  type Trail,
  TrailTree,
  tileSource,
  WalIndex,
} from "../trail/index.ts";
import type { PublishedHead } from "../types.ts";
import type { OldWal, ReadPart, WalPart } from "./read-wal.ts";

const BUNDLE_ENTRIES = 256;
const HASH_BYTES = 32;

/** Sealed files of a trail as its statements say. */
export function sealedFiles(state: TrailState): {
  readonly segments: SealedFile[];
  readonly tail: SealedFile | undefined;
} {
  const { name } = state;
  return {
    segments: state.segments.map(({ first, end }) => ({ first, end, name: pathOf.segment(name, first) })),
    tail:
      state.tail === undefined
        ? undefined
        : { first: state.tail.first, end: state.tail.end, name: pathOf.tail(name, state.tail.first, state.tail.end) },
  };
}

/** The published head, and the generation of the keys that signed it; 0 when there is no checkpoint. */
interface FoundHead {
  readonly head: PublishedHead;
  readonly generation: number;
}

async function readCheckpoint(storage: Storage, state: TrailState): Promise<FoundHead> {
  const name = pathOf.checkpoint(state.name);
  const note = await storage.objects.read(name);
  if (note === undefined) {
    if (state.head !== undefined && state.head.size > 0)
      throw new EvidentError("rolled_back", `${name} is missing, but a head of size ${state.head.size} was recorded`);
    return { head: { trail: state.name, size: 0, root: emptyRoot, note: new Uint8Array() }, generation: 0 };
  }
  for (const [age, keys] of [state.keys, state.previousKeys].entries()) {
    if (keys.length === 0) continue;
    const opened = openCheckpoint(note, keys, { strict: true });
    if (opened.kind !== "valid") continue;
    const { root, size } = opened.checkpoint;
    return { head: { trail: state.name, size: Number(size), root, note }, generation: state.generation - age };
  }
  throw new EvidentError("corrupt_store", `${name}: not signed by the trail's keys`);
}

/** Rebuilds the tree at the published size from its partial tiles and compares the root with the checkpoint. */
async function treeAt(storage: Storage, head: PublishedHead): Promise<TrailTree> {
  const tree = await TrailTree.fromTiles(head.size, async (level, n, width) => {
    const stored = await storage.objects.read(pathOf.tile(head.trail, level, n, width));
    const full = stored ?? (await storage.objects.read(pathOf.tile(head.trail, level, n, BUNDLE_ENTRIES)));
    if (full === undefined)
      throw new EvidentError("corrupt_store", `${pathOf.tile(head.trail, level, n, width)} is missing`);
    return full.subarray(0, width * HASH_BYTES);
  });
  if (head.note.length > 0 && !equalBytes(tree.root(), head.root)) {
    throw new EvidentError(
      "corrupt_store",
      `${pathOf.tiles(head.trail)}: the tiles do not give the checkpoint's root at size ${head.size}`,
    );
  }
  return tree;
}

/** Walks the trail's WAL entries: those already published must be the tree's, the others are appended; every stated root must come out. */
async function replayParts(
  storage: Storage,
  trail: Trail,
  from: { readonly parts: readonly WalPart[]; readonly read: ReadPart },
  sealed: number,
): Promise<void> {
  let next = sealed;
  let tile: { n: number; bytes: Uint8Array | undefined } = { n: -1, bytes: undefined };
  for (const part of from.parts) {
    if (part.first > next) break;
    const view = await from.read(part);
    let offset = 0;
    for (let index = part.first; index < part.first + part.count; index += 1) {
      const length = view.readUInt16BE(offset);
      const entry = view.subarray(offset + 2, offset + 2 + length);
      offset += 2 + length;
      if (index >= trail.tree.size) {
        trail.tree.append(hashLeaf(entry));
      } else if (index >= sealed && index < trail.published.size) {
        const n = Math.floor(index / BUNDLE_ENTRIES);
        if (tile.n !== n) {
          const width = Math.min(BUNDLE_ENTRIES, trail.published.size - n * BUNDLE_ENTRIES);
          tile = {
            n,
            bytes: await readTile(storage.objects, trail, { level: 0, n, width, size: trail.published.size }),
          };
        }
        const at = (index % BUNDLE_ENTRIES) * HASH_BYTES;
        if (tile.bytes === undefined || !equalBytes(hashLeaf(entry), tile.bytes.subarray(at, at + HASH_BYTES))) {
          throw new EvidentError(
            "corrupt_store",
            `trail ${trail.name}: entry ${index} in wal/${part.file} is not the one in the tree`,
          );
        }
      }
    }
    next = Math.max(next, part.first + part.count);
    if (next === trail.tree.size && next > trail.published.size && toBase64(trail.tree.root()) !== part.root) {
      throw new EvidentError(
        "corrupt_store",
        `trail ${trail.name}: wal/${part.file} states another root for size ${next}`,
      );
    }
  }
  if (next < trail.tree.size) {
    throw new EvidentError(
      "rolled_back",
      `trail ${trail.name}: ${trail.tree.size} entries were published, but only ${next} are stored`,
    );
  }
  const missing = from.parts.find((part) => part.first > next);
  if (missing !== undefined)
    throw new EvidentError("corrupt_store", `trail ${trail.name}: entries ${next} to ${missing.first - 1} are missing`);
}

async function rootAt(storage: Storage, trail: Trail, size: number): Promise<Uint8Array> {
  if (size === trail.tree.size) return trail.tree.root();
  return rootFromTiles(size, tileSource(storage.objects, trail, trail.tree.size));
}

async function checkRecordedHead(
  storage: Storage,
  trail: Trail,
  head: { readonly size: number; readonly root: string } | undefined,
): Promise<void> {
  if (head === undefined || head.size === 0) return;
  if (head.size > trail.tree.size) {
    throw new EvidentError(
      "rolled_back",
      `trail ${trail.name}: a head of size ${head.size} was recorded, the store has ${trail.tree.size} entries`,
    );
  }
  if (!equalBytes(await rootAt(storage, trail, head.size), fromBase64(head.root))) {
    throw new EvidentError(
      "corrupt_store",
      `trail ${trail.name}: its tree at size ${head.size} is not the one that was recorded`,
    );
  }
}

/** Only published entries are sealed, and only durable ones are published: a checkpoint before them was put back. */
function checkSealed(trail: Trail): void {
  const end = sealedEnd(trail);
  if (trail.published.size >= end) return;
  throw new EvidentError(
    "rolled_back",
    `${pathOf.checkpoint(trail.name)} is of size ${trail.published.size}, but entries up to ${end} are sealed`,
  );
}

/** After a clean stop the trail must be as the closing record says. */
function checkClosingHead(trail: Trail, old: Pick<OldWal, "closed" | "heads">): void {
  if (!old.closed) return;
  const stated = old.heads.find((head) => head.trail === trail.name);
  const isSame = stated?.size === trail.tree.size && stated.root === toBase64(trail.tree.root());
  if (isSame && trail.published.size === trail.tree.size) return;
  throw new EvidentError(
    "rolled_back",
    `trail ${trail.name}: the log was closed at size ${stated?.size ?? 0}, its checkpoint has size ${trail.published.size}`,
  );
}

/** A rotation is stated before its note is made. Without the note the old keys are still in use: they have to sign it. */
async function recoverRotation(storage: Storage, keys: KeyFiles, state: TrailState, trail: Trail): Promise<void> {
  const size = state.rotations.at(-1);
  if (size === undefined) return;
  const name = pathOf.rotation(trail.name, size);
  if (size > trail.tree.size || (trail.publishedGeneration < state.generation && trail.published.size > size)) {
    throw new EvidentError(
      "corrupt_store",
      `trail ${trail.name}: its keys were not changed at size ${size}, as stated`,
    );
  }
  const note = await storage.objects.read(name);
  if (note !== undefined) {
    const root = await rootAt(storage, trail, size);
    checkRotationNote(note, { name, size, root, keys: [...state.previousKeys, ...state.keys] });
    return;
  }
  if (trail.publishedGeneration === state.generation) {
    throw new EvidentError("corrupt_store", `${name} is missing, although the new keys have signed already`);
  }
  trail.rotating = { size, next: trail.signer };
  trail.signer = openSigner(keys, state, state.generation - 1, state.previousKeys);
  trail.generation -= 1;
}

function openSigner(
  keys: KeyFiles,
  state: TrailState,
  generation: number,
  stated: readonly string[],
): CheckpointSigner {
  const signer = makeCheckpointSigner(keys.checkpointKey(state.name, generation));
  if (signer.keys.join() === stated.join()) return signer;
  throw new EvidentError(
    "corrupt_store",
    `trail ${state.name}: the keys directory holds another key than the trail's`,
    {
      fix: "Restore the keys directory that belongs to this data.",
    },
  );
}

/** Partial tiles on disk that the published size does not need; a crash between two steps of a publish leaves them. */
async function removeOldPartials(storage: Storage, trail: Trail): Promise<void> {
  const names = (await storage.objects.list(pathOf.tiles(trail.name))).filter((name) => name.includes(".p/"));
  await storage.objects.remove(names.filter((name) => !trail.partials.includes(name)));
}

/**
 * Brings one trail to its durable head: the published tree from its tiles, then the WAL's entries on top.
 * @throws EvidentError `corrupt_store`, `rolled_back`: the server must not continue this store
 */
export async function recoverTrail(
  storage: Storage,
  keys: KeyFiles,
  state: TrailState,
  from: { readonly parts: readonly WalPart[]; readonly read: ReadPart; readonly old: Pick<OldWal, "closed" | "heads"> },
): Promise<Trail> {
  const { head, generation } = await readCheckpoint(storage, state);
  const signer = openSigner(keys, state, state.generation, state.keys);
  const tree = await treeAt(storage, head);
  const trail: Trail = {
    ...state,
    signer,
    rotating: undefined,
    tree,
    durable: { size: tree.size, root: tree.root() },
    published: head,
    publishedGeneration: generation,
    partials: partialTiles(state.name, head.size),
    ...sealedFiles(state),
    wal: new WalIndex(),
    rotations: [...state.rotations],
  };
  checkSealed(trail);
  await replayParts(storage, trail, from, sealedEnd(trail));
  trail.durable = { size: tree.size, root: asHash(tree.root()) };
  await checkRecordedHead(storage, trail, state.head);
  await checkRecordedHead(storage, trail, keys.shown.all().get(trail.name));
  checkClosingHead(trail, from.old);
  await recoverRotation(storage, keys, state, trail);
  if (!from.old.closed) await removeOldPartials(storage, trail);
  return trail;
}
