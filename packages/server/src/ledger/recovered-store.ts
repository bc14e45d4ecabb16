import {
  EvidentError,
  emptyRoot,
  equalBytes,
  hashLeaf,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
} from "@evident/core";
import { type ClockSource, ReceivedClock } from "./clock.ts";
import { type KeyFiles, makeSigner, type Signer } from "./keys/index.ts";
import { copyWal, type OldWal, partReader, readWal, recoverTrail } from "./recovery/index.ts";
import { FoldStore, type LedgerState, ledgerFold } from "./state/index.ts";
import type { Storage, Wal } from "./storage/index.ts";
import {
  EntryReader,
  type LocatedTrail,
  parseObjectName,
  pathOf,
  type SealedFile,
  type Trail,
  TrailTree,
  WalIndex,
} from "./trail/index.ts";
import { newOrigin } from "./trail-maker.ts";

const BUNDLE_ENTRIES = 256;

/** What start-up found and rebuilt. `state` is empty at the very first start. */
export interface RecoveredStore {
  readonly trails: Map<string, Trail>;
  readonly state: LedgerState;
  readonly wal: Wal;
  readonly epoch: number;
  readonly seq: number;
  readonly prev: Uint8Array;
  readonly clock: ReceivedClock;
  readonly walSigner: Signer;
  readonly statementSigner: Signer;
  readonly reader: EntryReader;
  readonly folds: FoldStore;
  readonly old: OldWal;
}

interface RecoverOptions {
  readonly storage: Storage;
  readonly keys: KeyFiles;
  readonly clockSource: ClockSource;
  readonly onStep: (fromMs: number, toMs: number) => void;
  readonly originHost: string;
  readonly walFileBytes: number;
}

/** Where the entries of `evident` lie before its statements are known: sealed files from the directory, the rest in the old WAL. */
async function locateEvident(storage: Storage, old: OldWal, reader: EntryReader): Promise<LocatedTrail> {
  const segments: SealedFile[] = [];
  let sealed = 0;
  for (const name of await storage.objects.list(pathOf.segments("evident"))) {
    const first = sealed;
    sealed += (await reader.seekTable(name)).frames.length * BUNDLE_ENTRIES;
    segments.push({ first, end: sealed, name });
  }
  let tail: SealedFile | undefined;
  for (const name of await storage.objects.list(pathOf.tails("evident"))) {
    const parsed = parseObjectName("evident", name);
    if (parsed?.kind !== "tail" || parsed.size <= sealed) continue;
    tail = { first: parsed.first, end: parsed.size, name };
    sealed = parsed.size;
  }
  const wal = new WalIndex();
  let size = sealed;
  for (const part of old.parts) {
    if (part.trail !== "evident") continue;
    wal.push({ ...part, atMs: 0 });
    size = Math.max(size, part.first + part.count);
  }
  return { name: "evident", segments, tail, wal, durable: { size, root: emptyRoot } };
}

/**
 * Folds `evident` from its first entry. Keys and roles hang on it, so every entry is hashed and the root compared with the checkpoint:
 * a changed sealed file cannot slip in a key.
 */
async function foldEvident(storage: Storage, old: OldWal, folds: FoldStore): Promise<LedgerState> {
  const reader = new EntryReader(storage.objects, (file, offset, sizeBytes) =>
    storage.readWalFile(file, offset, sizeBytes),
  );
  const evident = await locateEvident(storage, old, reader);
  const note = await storage.objects.read(pathOf.checkpoint("evident"));
  const checkpoint = note === undefined ? undefined : parseCheckpoint(parseNote(note).text);
  const tree = new TrailTree();
  let agrees = checkpoint === undefined || checkpoint.size === 0n;
  async function* hashed(from: number, to: number): AsyncGenerator<{ first: number; entries: readonly Uint8Array[] }> {
    for await (const chunk of reader.range(evident, from, to)) {
      for (const entry of chunk.entries) {
        tree.append(hashLeaf(entry));
        if (checkpoint !== undefined && BigInt(tree.size) === checkpoint.size)
          agrees = equalBytes(tree.root(), checkpoint.root);
      }
      yield chunk;
    }
  }
  const { state } = await folds.load(ledgerFold, {
    size: evident.durable.size,
    entries: hashed,
    rootAt: () => Promise.resolve(undefined),
  });
  if (!agrees)
    throw new EvidentError("corrupt_store", "trail evident: its entries do not give the root of its checkpoint");
  return state;
}

/** Before any key is made: data without the keys that made it is someone else's. */
function refuseForeignData(keys: KeyFiles, hasData: boolean): void {
  if (!hasData || keys.holds("evident", 1)) return;
  throw new EvidentError(
    "corrupt_store",
    "the data directory holds trails, but the keys directory does not know them",
    { fix: "Start with the keys directory that belongs to this data (--keys), or restore it from its backup." },
  );
}

/** Keys are made known after the first entries are durable, so known keys without entries mean lost data. */
function refuseLostData(keys: KeyFiles, hasEntries: boolean): void {
  if (hasEntries || keys.published().evident === undefined) return;
  throw new EvidentError(
    "rolled_back",
    "the keys directory belongs to a store whose trails are not in the data directory",
    { fix: "Restore the data directory, or give another --keys directory to begin a new store." },
  );
}

/** A trail whose head was shown is in the store, or the store was put back to a copy from before it was made. */
function refuseLostTrails(keys: KeyFiles, trails: ReadonlyMap<string, Trail>): void {
  for (const [name, { size }] of keys.shown.all()) {
    if (trails.has(name)) continue;
    throw new EvidentError(
      "rolled_back",
      `trail ${name}: a head of size ${size} was published, the store has no such trail`,
    );
  }
}

/** Start-up is recovery: the same steps after a crash, a clean stop and on an empty directory. */
export async function recoverStore(options: RecoverOptions): Promise<RecoveredStore> {
  const { storage, keys, originHost } = options;
  const hasTrails = (await storage.objects.list("trails/")).length > 0;
  refuseForeignData(keys, hasTrails || (await storage.walFiles()).length > 0);
  const origin = keys.published().evident?.origin ?? keys.checkpointKey("evident", 1, newOrigin(originHost)).origin;
  const walSigner = makeSigner(`${origin}/wal`, keys.seed("wal"));
  const statementSigner = makeSigner(`${origin}/statement`, keys.seed("statement"));
  const folds = new FoldStore(storage.objects, statementSigner);
  const old = await readWal(storage, parseVerifierKey(walSigner.key).publicKey);
  refuseLostData(keys, hasTrails || old.parts.length > 0);
  const read = partReader(storage, old.files);
  const state = await foldEvident(storage, old, folds);
  const trails = new Map<string, Trail>();
  for (const trail of Object.values(state.trails)) {
    const parts = old.parts.filter((part) => part.trail === trail.name);
    trails.set(trail.name, await recoverTrail(storage, keys, trail, { parts, read, old }));
  }
  refuseLostTrails(keys, trails);
  const clock = new ReceivedClock(options.clockSource, old.lastAt === "" ? 0 : Date.parse(old.lastAt), options.onStep);
  const epoch = old.epoch + 1;
  const copied = await copyWal(storage, old, trails, {
    epoch,
    signer: walSigner,
    clock,
    fileBytes: options.walFileBytes,
    read,
  });
  const reader = new EntryReader(storage.objects, (file, offset, sizeBytes) =>
    copied.wal.read(file, offset, sizeBytes),
  );
  return { trails, state, ...copied, epoch, clock, walSigner, statementSigner, reader, folds, old };
}
