import { rootFromTiles, toBase64 } from "@evident/core";
import { BlobStore } from "./blobs.ts";
import { Committer } from "./commit/index.ts";
import { flushIdentities } from "./identities.ts";
import type { IdentityStore } from "./identity/index.ts";
import type { KeyFiles } from "./keys/index.ts";
import { Publisher } from "./publish/index.ts";
import type { RecoveredStore } from "./recovered-store.ts";
import type { LedgerParts } from "./running-ledger.ts";
import { Sealer } from "./seal/index.ts";
import { LedgerFolds } from "./state/index.ts";
import { statementAppender } from "./statement-draft.ts";
import type { Storage } from "./storage/index.ts";
import { type Trail, tileSource } from "./trail/index.ts";
import type { AppendStatement, CommittedBatch, LedgerOptions } from "./types.ts";

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 24 * 60 * 60_000;
const RECORD_HEADS_MS = 60_000;
const FLUSH_LOOK_MS = 1_000;

/** What `openLedger` has before the ledger runs. */
export interface OpenedStore {
  readonly options: LedgerOptions;
  readonly storage: Storage;
  readonly keys: KeyFiles;
  readonly macKey: Uint8Array;
  readonly store: RecoveredStore;
  readonly identity: IdentityStore;
  readonly release: () => void;
}

/** Starts a timer that calls an asynchronous job again and again, never overlapping. Returns how to stop it. */
function every(intervalMs: number, job: () => Promise<void>, onFailure: (failure: Error) => void): () => void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    job()
      .catch((cause: unknown) => onFailure(asError(cause)))
      .finally(() => {
        running = false;
      });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

function makeFolds({ storage, store }: OpenedStore): LedgerFolds {
  return new LedgerFolds(store.folds, () => {
    const evident = store.trails.get("evident");
    const size = evident?.durable.size ?? 0;
    return {
      size,
      entries: (from, to) => (evident === undefined ? nothing() : store.reader.range(evident, from, to)),
      async rootAt(at) {
        if (evident === undefined || at > evident.published.size) return undefined;
        return rootFromTiles(at, tileSource(storage.objects, evident, evident.published.size));
      },
    };
  });
}

async function* nothing(): AsyncGenerator<never> {
  yield* [];
}

function makeCommitter(
  { options, store, identity }: OpenedStore,
  folds: LedgerFolds,
  listeners: LedgerParts["listeners"],
): Committer {
  return new Committer({
    ...store,
    identity,
    signer: store.walSigner,
    trailByNumber: (number) => [...store.trails.values()][number],
    maxPendingBytes: options.maxPendingBytes ?? 32 * MEBIBYTE,
    onFull: (detail) => options.onAlarm?.({ kind: "storage_full", detail }),
    onCommitted: (waitMs, entries) => options.onCommitted?.(waitMs, entries),
    onDurable(trail, batch) {
      if (trail.name !== "evident" && listeners.size === 0) return;
      const committed = batch();
      if (trail.name === "evident") folds.apply(committed);
      for (const listener of listeners) listener(committed);
    },
  });
}

function makeSealer(
  { options, storage, store }: OpenedStore,
  appendStatement: AppendStatement,
  onFailure: (failure: Error) => void,
): Sealer {
  return new Sealer({
    storage,
    wal: store.wal,
    reader: store.reader,
    trails: () => store.trails.values(),
    appendStatement,
    nowMs: () => store.clock.nowMs(),
    segmentEntries: options.segmentEntries ?? 1_048_576,
    segmentBytes: options.segmentBytes ?? 1_024 * MEBIBYTE,
    sealAgeMs: options.sealAgeMs ?? DAY_MS,
    walBytes: options.walBytes ?? 2_048 * MEBIBYTE,
    onFailure,
  });
}

/** Heads of the other trails go into `evident` when they changed, at most once a minute and at a stop. */
function headRecorder(
  trails: ReadonlyMap<string, Trail>,
  appendStatement: AppendStatement,
): LedgerParts["recordHeads"] {
  const recorded = new Map<string, number>();
  return async (reason) => {
    const changed = [...trails.values()].filter(
      ({ name, published }) => name !== "evident" && recorded.get(name) !== published.size,
    );
    if (changed.length === 0) return;
    const heads = changed.map(({ name, origin, published: { size, root } }) => ({
      trail: name,
      origin,
      size,
      root: toBase64(root),
    }));
    await appendStatement({ type: "checkpoint.recorded", reason, heads });
    for (const { trail, size } of heads) recorded.set(trail, size);
  };
}

/** Joins the parts of a ledger; nothing runs yet but the timers. */
export function assembleLedger(opened: OpenedStore): LedgerParts {
  const { options, storage, keys, macKey, store, identity, release } = opened;
  const { trails, clock } = store;
  const failed = Promise.withResolvers<Error>();
  const onFailure = (failure: Error): void => failed.resolve(failure);
  const listeners = new Set<(batch: CommittedBatch) => void>();
  const folds = makeFolds(opened);
  const committer = makeCommitter(opened, folds, listeners);
  void committer.failed.promise.then(onFailure);
  const appendStatement = statementAppender(committer, trails, macKey);
  const publisher = new Publisher({
    objects: storage.objects,
    trails: () => trails.values(),
    intervalMs: options.publishIntervalMs ?? 1_000,
    nowMs: () => clock.nowMs(),
    onLate: (detail) => options.onAlarm?.({ kind: "publish_late", detail }),
    onFailure,
  });
  const sealer = makeSealer(opened, appendStatement, onFailure);
  const recordHeads = headRecorder(trails, appendStatement);
  const saveFolds = async (): Promise<void> => {
    const published = trails.get("evident")?.published;
    if (published !== undefined) await folds.save(published);
  };
  const stops = [
    every(RECORD_HEADS_MS, () => recordHeads("interval"), onFailure),
    every(DAY_MS, saveFolds, onFailure),
    every(FLUSH_LOOK_MS, () => flushIdentities(identity, committer, trails.values()), onFailure),
  ];
  return {
    ...store,
    storage,
    keys,
    macKey,
    identity,
    committer,
    publisher,
    sealer,
    blobs: new BlobStore(storage.objects),
    folds,
    listeners,
    originHost: options.originHost ?? "evident.invalid",
    failed,
    appendStatement,
    recordHeads,
    stopTimers: () => stops.forEach((stop) => stop()),
    release,
  };
}
