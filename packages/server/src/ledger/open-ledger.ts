import { EvidentError, rootFromTiles, toBase64 } from "@evident/core";
import { BlobStore } from "./blobs.ts";
import type { ClockSource } from "./clock.ts";
import { Committer } from "./commit/index.ts";
import { type IdentityStore, openIdentityStore } from "./identity/index.ts";
import { KeyFiles } from "./keys/index.ts";
import { Publisher } from "./publish/index.ts";
import { type RecoveredStore, recoverStore } from "./recovered-store.ts";
import { adoptRotation } from "./rotate-keys.ts";
import { type LedgerParts, makeStatementDraft, RunningLedger } from "./running-ledger.ts";
import { finishSeals, Sealer } from "./seal/index.ts";
import { LedgerFolds } from "./state/index.ts";
import { openFileStorage, type Storage } from "./storage/index.ts";
import { isSystemTrail, parseObjectName, pathOf, readTile, type Trail } from "./trail/index.ts";
import { makeTrail, trailCreated } from "./trail-maker.ts";
import type { CommittedBatch, Ledger, LedgerOptions } from "./types.ts";

const MEBIBYTE = 1024 * 1024;
const RECORD_HEADS_MS = 60_000;
const SNAPSHOT_MS = 24 * 60 * 60_000;
const SEAL_LOOK_MS = 2_000;
const IDENTITY_FLUSH_ENTRIES = 200_000;

const realClock: ClockSource = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** Starts a timer that calls an asynchronous job again and again, never overlapping. */
function every(intervalMs: number, job: () => Promise<void>, onFailure: (failure: Error) => void): () => void {
  let running = false;
  const timer = setInterval(() => {
    if (running) return;
    running = true;
    job()
      .catch((cause: unknown) => onFailure(cause instanceof Error ? cause : new Error(String(cause))))
      .finally(() => {
        running = false;
      });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Puts the identities of entries that no run on disk covers back into memory. */
async function refillIdentities(
  identity: IdentityStore,
  store: RecoveredStore,
  macKey: Uint8Array,
  identityOf: LedgerOptions["identityOf"],
): Promise<void> {
  if (identityOf === undefined) return;
  for (const trail of store.trails.values()) {
    if (isSystemTrail(trail.name)) continue;
    for await (const { first, entries } of store.reader.range(
      trail,
      identity.coveredTo[trail.name] ?? 0,
      trail.durable.size,
    )) {
      for (const [i, line] of entries.entries()) {
        const id = identityOf(line, macKey);
        if (id !== undefined && identity.find(id) === undefined) identity.add(id, trail.number, first + i);
      }
      const covered = first + entries.length;
      if (identity.unflushed >= IDENTITY_FLUSH_ENTRIES) {
        await identity.flush({ ...identity.coveredTo, [trail.name]: covered }, Promise.resolve());
      }
    }
  }
}

function makeFoldSource(storage: Storage, store: RecoveredStore): LedgerFolds {
  return new LedgerFolds(store.folds, () => {
    const evident = store.trails.get("evident");
    if (evident === undefined) throw new EvidentError("internal", "the trail evident is not open");
    return {
      size: evident.durable.size,
      entries: (from, to) => store.reader.range(evident, from, to),
      async rootAt(size) {
        if (size > evident.published.size) return undefined;
        return rootFromTiles(size, async (level, n, width) => {
          const bytes = await readTile(storage.objects, evident, { level, n, width, size: evident.published.size });
          if (bytes === undefined)
            throw new EvidentError("corrupt_store", `${pathOf.tile("evident", level, n, width)} is missing`);
          return bytes;
        });
      },
    };
  });
}

/** Heads of the other trails go into `evident` when they changed, at most once a minute and at a stop. */
function headRecorder(
  trails: Map<string, Trail>,
  append: (statement: { type: string; [key: string]: unknown }) => Promise<number>,
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
    await append({ type: "checkpoint.recorded", reason, heads });
    for (const { trail, size } of heads) recorded.set(trail, size);
  };
}

/** The first entries of a store: the store, the trail `evident` itself, the keys that sign WAL records and statements. */
async function beginStore(
  options: LedgerOptions,
  keys: KeyFiles,
  store: RecoveredStore,
  append: (statement: { readonly type: string; readonly [key: string]: unknown }) => Promise<unknown>,
): Promise<void> {
  const originHost = options.originHost ?? "evident.invalid";
  const evident = makeTrail(keys, { name: "evident", tenant: "*", number: 0, originHost, created: store.clock.now() });
  store.trails.set("evident", evident);
  const statements = [
    { type: "store.created", store: evident.origin.split("/").at(-1) ?? "" },
    trailCreated(evident, "evident"),
    { type: "signing_key.created", use: "wal", key: store.walSigner.key },
    { type: "signing_key.created", use: "statement", key: store.statementSigner.key },
  ];
  // Sequenced in one turn, so they share one record: a store has all of them or none.
  await Promise.all(statements.map((statement) => append(statement)));
  keys.publish("evident", evident.origin, evident.genesis);
}

async function finishRotations(parts: LedgerParts, ledger: RunningLedger): Promise<void> {
  const { storage, keys, publisher, clock } = parts;
  for (const trail of parts.trails.values()) {
    for (const name of await storage.objects.list(pathOf.rotations(trail.name))) {
      const parsed = parseObjectName(trail.name, name);
      if (parsed?.kind !== "rotation" || trail.rotations.includes(parsed.size)) continue;
      const appendStatement = ledger.appendStatement.bind(ledger);
      await adoptRotation(
        { storage, keys, publisher, trail, by: "evident", nowMs: () => clock.nowMs(), appendStatement },
        parsed.size,
      );
    }
  }
}

function makeParts(
  options: LedgerOptions,
  base: {
    storage: Storage;
    keys: KeyFiles;
    macKey: Uint8Array;
    store: RecoveredStore;
    identity: IdentityStore;
    release: () => void;
  },
): LedgerParts {
  const { storage, keys, macKey, store, identity, release } = base;
  const { trails, wal, clock, reader } = store;
  const failed = Promise.withResolvers<Error>();
  const listeners = new Set<(batch: CommittedBatch) => void>();
  const folds = makeFoldSource(storage, store);
  const committer = new Committer({
    ...store,
    identity,
    signer: store.walSigner,
    trailByNumber: (number) => [...trails.values()][number],
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
  void committer.failed.promise.then((failure) => failed.resolve(failure));
  const onFailure = (failure: Error): void => failed.resolve(failure);
  const append = async (statement: { readonly type: string; readonly [key: string]: unknown }): Promise<number> => {
    const evident = trails.get("evident");
    if (evident === undefined) throw new EvidentError("internal", "the trail evident is not open");
    return (await committer.append(evident, [makeStatementDraft(macKey, statement)]))[0]?.index ?? -1;
  };
  const publisher = new Publisher({
    objects: storage.objects,
    trails: () => trails.values(),
    intervalMs: options.publishIntervalMs ?? 1_000,
    nowMs: () => clock.nowMs(),
    onLate: (detail) => options.onAlarm?.({ kind: "publish_late", detail }),
    onFailure,
  });
  const sealer = new Sealer({
    storage,
    wal,
    reader,
    trails: () => trails.values(),
    appendStatement: append,
    nowMs: () => clock.nowMs(),
    segmentEntries: options.segmentEntries ?? 1_048_576,
    segmentBytes: options.segmentBytes ?? 1_024 * MEBIBYTE,
    sealAgeMs: options.sealAgeMs ?? 24 * 60 * 60_000,
    walBytes: options.walBytes ?? 2_048 * MEBIBYTE,
    onFailure,
  });
  const recordHeads = headRecorder(trails, append);
  const stops = [
    every(RECORD_HEADS_MS, () => recordHeads("interval"), onFailure),
    every(SNAPSHOT_MS, () => saveFolds(folds, trails), onFailure),
    every(1_000, () => flushIdentities(identity, committer, trails), onFailure),
  ];
  const stopTimers = (): void => {
    for (const stop of stops) stop();
  };
  const originHost = options.originHost ?? "evident.invalid";
  const blobs = new BlobStore(storage.objects);
  return {
    ...store,
    storage,
    keys,
    macKey,
    identity,
    committer,
    publisher,
    sealer,
    blobs,
    folds,
    listeners,
    originHost,
    failed,
    recordHeads,
    stopTimers,
    release,
  };
}

async function saveFolds(folds: LedgerFolds, trails: Map<string, Trail>): Promise<void> {
  const published = trails.get("evident")?.published;
  if (published !== undefined) await folds.save(published);
}

async function flushIdentities(
  identity: IdentityStore,
  committer: Committer,
  trails: Map<string, Trail>,
): Promise<void> {
  if (identity.unflushed < IDENTITY_FLUSH_ENTRIES) return;
  await identity.flush(committer.sequencedSizes(trails.values()), committer.flush());
}

/**
 * Opens the store of a data directory, or begins one, and returns the running ledger.
 *
 * Start-up runs the recovery path every time: the WAL is read and checked, each trail's tree is rebuilt from its tiles and the WAL and
 * compared with its checkpoint and with the heads recorded in `evident`, unsealed records are copied into a new epoch's WAL, interrupted
 * seals and rotations are finished, and everything durable is published.
 *
 * @throws EvidentError `store_in_use`, `corrupt_store`, `rolled_back`, `storage_full`, `storage_failed`
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const storage = options.storage ?? openFileStorage(options.dataDir);
  const lock = await storage.lock();
  try {
    return await openLocked(options, storage, () => lock.release());
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

async function openLocked(options: LedgerOptions, storage: Storage, release: () => void): Promise<Ledger> {
  const keys = new KeyFiles(options.keysDir);
  const macKey = keys.seed("mac");
  let onStep = (fromMs: number, toMs: number): void => {
    steps.push([fromMs, toMs]);
  };
  const steps: [number, number][] = [];
  const store = await recoverStore({
    storage,
    keys,
    clockSource: options.clock ?? realClock,
    onStep: (fromMs, toMs) => onStep(fromMs, toMs),
    originHost: options.originHost ?? "evident.invalid",
    walFileBytes: options.walFileBytes ?? 64 * MEBIBYTE,
  });
  const identity = await openIdentityStore(`${options.dataDir}/index/identity`);
  await refillIdentities(identity, store, macKey, options.identityOf);
  const parts = makeParts(options, { storage, keys, macKey, store, identity, release });
  const ledger = new RunningLedger(parts);
  const append = (statement: { readonly type: string; readonly [key: string]: unknown }): Promise<number> =>
    ledger.appendStatement(statement);
  onStep = (fromMs, toMs) => {
    const step = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      deltaMs: Math.round(toMs - fromMs),
    };
    options.onAlarm?.({ kind: "clock_stepped", detail: `the wall clock went from ${step.from} to ${step.to}` });
    // Reported in the turn of an append: state it in the next one.
    setImmediate(() => void append({ type: "clock.stepped", ...step }).catch(() => undefined));
  };
  if (!store.trails.has("evident")) await beginStore(options, keys, store, append);
  for (const trail of store.trails.values()) keys.publish(trail.name, trail.origin, trail.genesis);
  for (const [fromMs, toMs] of steps.splice(0)) onStep(fromMs, toMs);
  await startServing(options, parts, ledger);
  return ledger;
}

async function startServing(options: LedgerOptions, parts: LedgerParts, ledger: RunningLedger): Promise<void> {
  const { trails, publisher, sealer, storage, reader, blobs, epoch } = parts;
  const { old } = parts;
  if (!old.closed) await blobs.recover(trails.values(), reader);
  if (old.torn !== undefined)
    options.onAlarm?.({
      kind: "torn_tail",
      detail: `wal/${old.torn.file} ended in an unfinished record at byte ${old.torn.offset}`,
    });
  const recovered = old.epoch === 0 || old.closed ? {} : { recovered: old.files };
  await ledger.appendStatement({
    type: "server.started",
    version: options.version,
    node: process.version,
    epoch,
    ...recovered,
  });
  if (!trails.has("evident-reads")) await ledger.createTrail({ name: "evident-reads", tenant: "*", by: "evident" });
  for (const trail of trails.values())
    if (trail.durable.size > trail.published.size || trail.published.note.length === 0) await publisher.publish(trail);
  await finishSeals(storage, reader, sealer, trails.values());
  await finishRotations(parts, ledger);
  publisher.start();
  sealer.start(SEAL_LOOK_MS);
}
