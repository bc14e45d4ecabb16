import { join } from "node:path";
import { assembleLedger } from "./assemble-ledger.ts";
import { beginStore } from "./begin-store.ts";
import type { ClockSource } from "./clock.ts";
import { refillIdentities } from "./identities.ts";
import { openIdentityStore } from "./identity/index.ts";
import { KeyFiles } from "./keys/index.ts";
import { recoverStore } from "./recovered-store.ts";
import { adoptRotation } from "./rotate-keys.ts";
import { type LedgerParts, RunningLedger } from "./running-ledger.ts";
import { finishSeals } from "./seal/index.ts";
import { openFileStorage, type Storage } from "./storage/index.ts";
import { parseObjectName, pathOf } from "./trail/index.ts";
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
  const macKey = keys.seed("mac");
  const steps = new ClockSteps(options);
  const store = await recoverStore({
    storage,
    keys,
    clockSource: options.clock ?? realClock,
    onStep: (fromMs, toMs) => steps.report(fromMs, toMs),
    originHost: options.originHost ?? "evident.invalid",
    walFileBytes: options.walFileBytes ?? 64 * MEBIBYTE,
  });
  const identity = await openIdentityStore(join(options.dataDir, "index", "identity"));
  const { identityOf } = options;
  if (identityOf !== undefined) {
    await refillIdentities(identity, store.trails.values(), store.reader, (line) => identityOf(line, macKey));
  }
  const parts = assembleLedger({ options, storage, keys, macKey, store, identity, release });
  const ledger = new RunningLedger(parts);
  if (!store.trails.has("evident")) await beginStore(parts);
  for (const trail of store.trails.values()) keys.publish(trail.name, trail.origin, trail.genesis);
  steps.stateTo(parts);
  await startServing(options, parts, ledger);
  return ledger;
}

/** Steps of the wall clock raise an alarm at once and are stated in `evident` as soon as the ledger runs. */
class ClockSteps {
  readonly #options: LedgerOptions;
  readonly #early: { readonly from: string; readonly to: string; readonly deltaMs: number }[] = [];
  #parts: LedgerParts | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  report(fromMs: number, toMs: number): void {
    const step = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      deltaMs: Math.round(toMs - fromMs),
    };
    this.#options.onAlarm?.({ kind: "clock_stepped", detail: `the wall clock went from ${step.from} to ${step.to}` });
    this.#early.push(step);
    // Reported in the turn of an append: state it in the next one.
    setImmediate(() => this.#state());
  }

  stateTo(parts: LedgerParts): void {
    this.#parts = parts;
    this.#state();
  }

  #state(): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    // A statement that cannot be stored means the log has failed, and that is reported by the log.
    for (const step of this.#early.splice(0))
      parts.appendStatement({ type: "clock.stepped", ...step }).catch(() => undefined);
  }
}

async function startServing(options: LedgerOptions, parts: LedgerParts, ledger: RunningLedger): Promise<void> {
  const { trails, publisher, sealer, storage, reader, blobs, epoch, old, appendStatement } = parts;
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
  for (const trail of trails.values()) {
    if (trail.durable.size > trail.published.size || trail.published.note.length === 0) await publisher.publish(trail);
  }
  await finishSeals(storage, reader, sealer, trails.values());
  await finishRotations(parts);
  publisher.start();
  sealer.start(SEAL_LOOK_MS);
}

/** Rotations that a crash left with a note but without their statement. */
async function finishRotations(parts: LedgerParts): Promise<void> {
  const { storage, clock } = parts;
  for (const trail of parts.trails.values()) {
    for (const name of await storage.objects.list(pathOf.rotations(trail.name))) {
      const parsed = parseObjectName(trail.name, name);
      if (parsed?.kind !== "rotation" || trail.rotations.includes(parsed.size)) continue;
      await adoptRotation({ ...parts, trail, by: "evident", nowMs: () => clock.nowMs() }, parsed.size);
    }
  }
}
