import { rootFromTiles, toBase64 } from "@evident/core";
import { BlobStore } from "./blobs.ts";
import type { ClockSteps } from "./clock-steps.ts";
import { Committer } from "./commit/index.ts";
import { HeadRecorder } from "./head-recorder.ts";
import { flushIdentities } from "./identities.ts";
import type { IdentityStore } from "./identity/index.ts";
import type { KeyFiles } from "./keys/index.ts";
import type { LedgerFailure } from "./ledger-failure.ts";
import { Publisher } from "./publish/index.ts";
import type { RecoveredStore } from "./recovered-store.ts";
import { RepeatedJobs } from "./repeated-jobs.ts";
import type { LedgerParts } from "./running-ledger.ts";
import { Sealer } from "./seal/index.ts";
import { LedgerFolds } from "./state/index.ts";
import { statementAppender } from "./statement-draft.ts";
import type { Storage } from "./storage/index.ts";
import { tileSource } from "./trail/index.ts";
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
  readonly clockSteps: ClockSteps;
  readonly failure: LedgerFailure;
  readonly release: () => void;
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
  { options, store, identity, failure }: OpenedStore,
  folds: LedgerFolds,
  listeners: LedgerParts["listeners"],
): Committer {
  return new Committer({
    ...store,
    identity,
    failure,
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
  { options, storage, store, failure }: OpenedStore,
  appendStatement: AppendStatement,
  blobs: BlobStore,
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
    finishBlobs: () => blobs.finish(),
    onLate: (detail) => options.onAlarm?.({ kind: "storage_full", detail }),
    failure,
  });
}

/** Joins the parts of a ledger; nothing runs yet but the timers. */
export function assembleLedger(opened: OpenedStore): LedgerParts {
  const { options, storage, keys, macKey, store, identity, clockSteps, failure, release } = opened;
  const { trails, clock } = store;
  const listeners = new Set<(batch: CommittedBatch) => void>();
  const folds = makeFolds(opened);
  const committer = makeCommitter(opened, folds, listeners);
  const appendStatement = statementAppender(committer, trails, macKey);
  const publisher = new Publisher({
    objects: storage.objects,
    trails: () => trails.values(),
    intervalMs: options.publishIntervalMs ?? 1_000,
    nowMs: () => clock.nowMs(),
    onLate: (detail) => options.onAlarm?.({ kind: "publish_late", detail }),
    failure,
    onPublished: ({ trail, size, root }) => keys.shown.note(trail, { size, root: toBase64(root) }),
  });
  const blobs = new BlobStore(storage.objects);
  const sealer = makeSealer(opened, appendStatement, blobs);
  const headRecorder = new HeadRecorder(trails, appendStatement);
  const saveFolds = async (): Promise<void> => {
    const published = trails.get("evident")?.published;
    if (published !== undefined) await folds.save(published);
  };
  const jobs = new RepeatedJobs(failure);
  jobs.every(RECORD_HEADS_MS, () => headRecorder.record("interval"));
  jobs.every(DAY_MS, saveFolds);
  jobs.every(FLUSH_LOOK_MS, () => flushIdentities(identity, committer, trails.values()));
  return {
    ...store,
    storage,
    keys,
    macKey,
    identity,
    clockSteps,
    committer,
    publisher,
    sealer,
    blobs,
    folds,
    listeners,
    originHost: options.originHost ?? "evident.invalid",
    failure,
    appendStatement,
    headRecorder,
    jobs,
    release,
  };
}
