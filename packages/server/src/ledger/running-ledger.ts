import { EvidentError, encodeBundle, formatProof, inclusionPath } from "@evident/core";
import type { BlobStore } from "./blobs.ts";
import type { ReceivedClock } from "./clock.ts";
import type { ClockSteps } from "./clock-steps.ts";
import { closeLedger } from "./close-ledger.ts";
import type { Committer } from "./commit/index.ts";
import type { HeadRecorder } from "./head-recorder.ts";
import type { IdentityStore } from "./identity/index.ts";
import type { KeyFiles, Signer } from "./keys/index.ts";
import { isFinal, type LedgerFailure } from "./ledger-failure.ts";
import type { Publisher } from "./publish/index.ts";
import type { OldWal } from "./recovery/index.ts";
import type { RepeatedJobs } from "./repeated-jobs.ts";
import { rotateTrailKeys } from "./rotate-keys.ts";
import type { Sealer } from "./seal/index.ts";
import type { LedgerFolds } from "./state/index.ts";
import type { Storage, Wal } from "./storage/index.ts";
import { describeTrail, type EntryReader, pathOf, readTile, type Trail, tileSource } from "./trail/index.ts";
import { makeTrail, trailCreated } from "./trail-maker.ts";
import type {
  Appended,
  AppendStatement,
  ClockState,
  CommittedBatch,
  Draft,
  Fold,
  Ledger,
  Pressure,
  PublishedHead,
  Statement,
  TrailInfo,
} from "./types.ts";

const BUNDLE_ENTRIES = 256;
/** The closing record names every trail, in a header of at most 1 MiB. */
const MAX_TRAILS = 5_000;
const TRAIL_NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** What a running ledger is made of; `openLedger` puts it together. */
export interface LedgerParts {
  readonly storage: Storage;
  readonly keys: KeyFiles;
  readonly macKey: Uint8Array;
  readonly trails: Map<string, Trail>;
  readonly wal: Wal;
  readonly clock: ReceivedClock;
  readonly clockSteps: ClockSteps;
  readonly committer: Committer;
  readonly publisher: Publisher;
  readonly sealer: Sealer;
  readonly identity: IdentityStore;
  readonly reader: EntryReader;
  readonly blobs: BlobStore;
  readonly folds: LedgerFolds;
  readonly listeners: Set<(batch: CommittedBatch) => void>;
  readonly originHost: string;
  readonly epoch: number;
  readonly old: OldWal;
  readonly walSigner: Signer;
  readonly statementSigner: Signer;
  readonly failure: LedgerFailure;
  readonly appendStatement: AppendStatement;
  readonly headRecorder: HeadRecorder;
  readonly jobs: RepeatedJobs;
  readonly release: () => void;
}

/** The ledger as other stages see it. Every method works on durable entries only. */
export class RunningLedger implements Ledger {
  readonly #parts: LedgerParts;
  #making: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  get macKey(): Uint8Array {
    return this.#parts.macKey;
  }

  get failed(): Promise<Error> {
    return this.#parts.failure.failed;
  }

  trails(): readonly TrailInfo[] {
    return [...this.#parts.trails.values()].map(describeTrail);
  }

  trail(name: string): TrailInfo | undefined {
    const trail = this.#parts.trails.get(name);
    return trail === undefined ? undefined : describeTrail(trail);
  }

  async entry(name: string, index: number): Promise<Uint8Array | undefined> {
    const trail = this.#trail(name);
    if (!Number.isSafeInteger(index) || index < 0 || index >= trail.durable.size) return undefined;
    return (await this.#parts.reader.read(trail, index, index + 1))[0];
  }

  entries(
    name: string,
    from: number,
    to: number,
  ): AsyncIterable<{ readonly first: number; readonly entries: readonly Uint8Array[] }> {
    return this.#parts.reader.range(this.#trail(name), from, to);
  }

  onCommit(listener: (batch: CommittedBatch) => void): () => void {
    this.#parts.listeners.add(listener);
    return () => this.#parts.listeners.delete(listener);
  }

  async append(name: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    this.#refuseWhenClosing();
    const { committer, failure } = this.#parts;
    const trail = this.#trail(name);
    if (drafts.some((draft) => draft.blob !== undefined)) return this.#during(() => this.#appendBlobs(trail, drafts));
    return failure.guard(() => committer.append(trail, drafts));
  }

  async appendStatement(statement: Statement): Promise<number> {
    this.#refuseWhenClosing();
    return this.#parts.failure.guard(() => this.#parts.appendStatement(statement));
  }

  createTrail(options: { readonly name: string; readonly tenant: string; readonly by: string }): Promise<TrailInfo> {
    return this.#oneByOne(() => this.#createTrail(options));
  }

  async rotateKeys(name: string, by: string): Promise<TrailInfo> {
    const trail = this.#trail(name);
    await this.#oneByOne(() => rotateTrailKeys({ ...this.#parts, trail, by }));
    return describeTrail(trail);
  }

  async seal(name: string, options: { readonly tail: boolean }): Promise<void> {
    const trail = this.#trail(name);
    this.#refuseWhenClosing();
    await this.#during(async () => {
      await this.#parts.publisher.publish(trail);
      await this.#parts.sealer.seal(trail, options);
    });
  }

  published(name: string): PublishedHead {
    return this.#trail(name).published;
  }

  waitPublished(name: string, size: number, signal?: AbortSignal): Promise<PublishedHead> {
    return this.#parts.publisher.wait(this.#trail(name), size, signal);
  }

  async receipt(name: string, index: number): Promise<Uint8Array | undefined> {
    const trail = this.#trail(name);
    const { size, note } = trail.published;
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) return undefined;
    const path = await inclusionPath(index, size, tileSource(this.#parts.storage.objects, trail, size));
    const [extra] = await this.#parts.reader.read(trail, index, index + 1);
    return formatProof({ index: BigInt(index), path, checkpoint: note, ...(extra === undefined ? {} : { extra }) });
  }

  tile(name: string, level: number, n: number, width: number): Promise<Uint8Array | undefined> {
    const trail = this.#trail(name);
    return readTile(this.#parts.storage.objects, trail, { level, n, width, size: trail.published.size });
  }

  async bundle(name: string, n: number, width: number): Promise<Uint8Array | undefined> {
    const trail = this.#trail(name);
    const first = n * BUNDLE_ENTRIES;
    if (width < 1 || width > BUNDLE_ENTRIES || first + width > trail.published.size) return undefined;
    return encodeBundle(await this.#parts.reader.read(trail, first, first + width));
  }

  async rotations(name: string): Promise<readonly { readonly size: number; readonly note: Uint8Array }[]> {
    const notes: { size: number; note: Uint8Array }[] = [];
    for (const size of this.#trail(name).rotations) {
      const note = await this.#parts.storage.objects.read(pathOf.rotation(name, size));
      if (note !== undefined) notes.push({ size, note });
    }
    return notes;
  }

  blob(name: string, id: string): Promise<Uint8Array | undefined> {
    return this.#parts.blobs.read(this.#trail(name).name, id);
  }

  openFold<State>(fold: Fold<State>): Promise<{ state(): State }> {
    return this.#parts.folds.open(fold);
  }

  pressure(): Pressure {
    return this.#parts.committer.pressure();
  }

  clock(): ClockState {
    return this.#parts.clock.state();
  }

  async confirmClock(by: string): Promise<void> {
    this.#refuseWhenClosing();
    this.#parts.clock.confirm();
    await this.appendStatement({ type: "clock.confirmed", by });
  }

  nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  counters(): ReturnType<Ledger["counters"]> {
    const { committer, wal, publisher } = this.#parts;
    return { ...committer.counters, fsyncs: wal.fsyncs, publishes: publisher.count, walBytes: wal.totalBytes };
  }

  close(): Promise<void> {
    this.#closing ??= closeLedger(this.#parts, async () => {
      await this.#making;
      await Promise.allSettled(this.#underWay);
    });
    return this.#closing;
  }

  /** @throws EvidentError `not_ready`: after `server.stopped` nothing may follow, so nothing begins once the stop has */
  #refuseWhenClosing(): void {
    if (this.#closing !== undefined) throw new EvidentError("not_ready", "the server is stopping");
  }

  /** Runs work that a close waits for. */
  async #during<Value>(work: () => Promise<Value>): Promise<Value> {
    const running = this.#parts.failure.guard(work);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Changes of trails and keys, one after the other. */
  async #oneByOne<Value>(change: () => Promise<Value>): Promise<Value> {
    this.#refuseWhenClosing();
    const result = this.#making.then(() => this.#parts.failure.guard(change));
    this.#making = result.catch(() => undefined);
    return result;
  }

  async #appendBlobs(trail: Trail, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    const { committer, blobs } = this.#parts;
    await blobs.prepare(trail.name, drafts);
    let results: readonly Appended[];
    try {
      results = await committer.append(trail, drafts);
    } catch (cause) {
      // Anything else is final: which of them became entries is found out at the next start.
      if (!isFinal(cause)) blobs.drop(trail.name, drafts);
      throw cause;
    }
    const stored = results.map(({ status }) => status === "stored");
    await blobs.settle(trail.name, drafts, stored);
    return results;
  }

  async #createTrail({
    name,
    tenant,
    by,
  }: {
    readonly name: string;
    readonly tenant: string;
    readonly by: string;
  }): Promise<TrailInfo> {
    const { keys, trails, clock, originHost, publisher, appendStatement } = this.#parts;
    if (!TRAIL_NAME.test(name)) {
      throw new EvidentError(
        "bad_request",
        `trail name ${JSON.stringify(name.slice(0, 80))}: use 1 to 63 characters a-z, 0-9 and -, beginning with a letter`,
      );
    }
    if (trails.has(name)) throw new EvidentError("conflict", `trail ${name} exists already`);
    if (trails.size >= MAX_TRAILS) throw new EvidentError("bad_request", `there are ${MAX_TRAILS} trails already`);
    const trail = makeTrail(keys, { name, tenant, number: trails.size, originHost, created: clock.now() });
    await appendStatement(trailCreated(trail, by));
    trails.set(name, trail);
    keys.publish(name, trail.origin, trail.genesis);
    await publisher.publish(trail);
    return describeTrail(trail);
  }

  #trail(name: string): Trail {
    const trail = this.#parts.trails.get(name);
    if (trail === undefined)
      throw new EvidentError("not_found", `there is no trail ${JSON.stringify(name.slice(0, 80))}`);
    return trail;
  }
}
