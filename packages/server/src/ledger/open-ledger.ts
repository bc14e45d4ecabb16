import { assembleLedger } from "./assemble-ledger.ts";
import { beginStore } from "./begin-store.ts";
import type { ClockSource } from "./clock.ts";
import { ClockSteps } from "./clock-steps.ts";
import { haltLedger } from "./close-ledger.ts";
import { openIdentities, refillIdentities } from "./identities.ts";
import { KeyFiles } from "./keys/index.ts";
import { LedgerFailure } from "./ledger-failure.ts";
import { recoverStore } from "./recovered-store.ts";
import { type LedgerParts, RunningLedger } from "./running-ledger.ts";
import { finishSeals } from "./seal/index.ts";
import { openFileStorage, type Storage } from "./storage/index.ts";
import type { Ledger, LedgerOptions } from "./types.ts";

const MEBIBYTE = 1024 * 1024;
const SEAL_LOOK_MS = 2_000;
/** An entry holds at most 65,535 bytes; a statement names no more recovered files than this. */
const NAMED_FILES = 200;

const realClock: ClockSource = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

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
  const clockSteps = new ClockSteps(options.onAlarm);
  const store = await recoverStore({
    storage,
    keys,
    clockSource: options.clock ?? realClock,
    onStep: (fromMs, toMs) => clockSteps.report(fromMs, toMs),
    originHost: options.originHost ?? "evident.invalid",
    walFileBytes: options.walFileBytes ?? 64 * MEBIBYTE,
  });
  // After the store was recognised: nothing is made in a keys directory that is not its own.
  const macKey = keys.seed("mac");
  const identity = await openIdentities(options.dataDir, store.trails.values(), macKey);
  const failure = new LedgerFailure();
  const parts = assembleLedger({ options, storage, keys, macKey, store, identity, clockSteps, failure, release });
  try {
    const { identityOf } = options;
    if (identityOf !== undefined) {
      await refillIdentities(identity, store.trails.values(), store.reader, (line) => identityOf(line, macKey));
    }
    const ledger = new RunningLedger(parts);
    await startServing(options, parts, ledger);
    return ledger;
  } catch (cause) {
    await haltLedger(parts);
    throw cause;
  }
}

async function startServing(options: LedgerOptions, parts: LedgerParts, ledger: RunningLedger): Promise<void> {
  const { trails, keys, publisher, sealer, storage, reader, blobs, epoch, old, appendStatement, clockSteps } = parts;
  if (!trails.has("evident")) await beginStore(parts);
  for (const trail of trails.values()) keys.publish(trail.name, trail.origin, trail.genesis);
  clockSteps.start(appendStatement);
  if (!old.closed) await blobs.recover(trails.values(), reader);
  if (old.torn !== undefined) {
    const detail = `wal/${old.torn.file} ended in an unfinished record at byte ${old.torn.offset}`;
    options.onAlarm?.({ kind: "torn_tail", detail });
  }
  const recovered = old.epoch === 0 || old.closed ? {} : { recovered: old.files.slice(-NAMED_FILES) };
  await appendStatement({
    type: "server.started",
    version: options.version,
    node: process.version,
    epoch,
    ...recovered,
  });
  if (!trails.has("evident-reads")) await ledger.createTrail({ name: "evident-reads", tenant: "*", by: "evident" });
  for (const trail of trails.values()) await publisher.publish(trail);
  await finishSeals(storage, reader, sealer, trails.values());
  publisher.start();
  sealer.start(SEAL_LOOK_MS);
}
