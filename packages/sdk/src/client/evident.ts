import { diffFields } from "../digest/index.ts";
import { type Problem, SdkError } from "../errors/index.ts";
import {
  type EventDraft,
  type Impact,
  makeLine,
  makeOpenAccess,
  type OpenAccess,
  type Recorded,
  type Recorder,
  type Refusal,
  uuidV7,
} from "../event/index.ts";
import { type Found, Spool } from "../spool/index.ts";
import { keyedDigest } from "./keyed-digest.ts";
import type { Settings } from "./options.ts";
import { heartbeat, processEnded } from "./own-events.ts";
import { ProgressSignal } from "./progress-signal.ts";
import { type SendCounts, Sender } from "./sender.ts";

const FLUSH_MS = 5_000;

/** How far a client is. Counts are events since it was made. */
export interface Stats {
  /** This client's id: events carry it in `origin.nativeId`, before the sequence number. */
  readonly instance: string;
  readonly lastSeq: number;
  readonly accepted: number;
  readonly refused: number;
  readonly dropped: number;
  /** Accepted and without a verdict yet. */
  readonly waiting: number;
  /** Accesses that have begun and are not recorded yet. */
  readonly open: number;
  readonly sent: Readonly<SendCounts>;
  /** What was taken over from processes that are gone. */
  readonly adopted: { readonly writers: number; readonly events: number; readonly unfinished: number };
  readonly spoolBytes: number;
  /** Why the newest try to send failed; absent when it did not. */
  readonly failure?: Pick<Problem, "code" | "message" | "fix">;
}

/** Whether everything has its verdict, or how many events wait on. */
export type Flushed = { readonly kind: "flushed" } | { readonly kind: "waiting"; readonly events: number };

/**
 * Records accesses. One per process and spool folder is enough; more do not disturb each other.
 *
 * When `record` returns `accepted`, the event has been written to the operating system: it outlives the end of the process, also by
 * SIGKILL, and is sent by the next process that opens the spool. It outlives a power loss from `syncIntervalMs` later, or once `sync`
 * resolves. The server stores it once, however often it has to be sent.
 */
export class Evident implements Recorder {
  readonly #settings: Settings;
  readonly #instance = uuidV7(Date.now());
  readonly #spool: Spool;
  readonly #sender: Sender;
  readonly #progress = new ProgressSignal();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onExit = (): void => this.#exit();
  readonly #adopted = { writers: 0, events: 0, unfinished: 0 };
  #flushTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isAdopting = true;
  #closing: Promise<Flushed> | undefined;
  #seq = 0;
  #accepted = 0;
  #refused = 0;
  #dropped = 0;

  /** @throws SdkError `spool_failed` */
  constructor(settings: Settings) {
    this.#settings = settings;
    const { dir, maxBytes, segmentBytes, adoptAfterMs } = settings;
    try {
      this.#spool = new Spool({ dir, maxBytes, segmentBytes, adoptAfterMs, instance: this.#instance });
    } catch (cause) {
      const fix = "Give a folder in spool.dir that this process may write to.";
      throw new SdkError("spool_failed", `the spool ${dir} cannot be opened: ${String(cause)}`, fix, { cause });
    }
    this.#sender = new Sender({
      spool: this.#spool,
      settings,
      onQuarantined: (event) => {
        const why = event.reasons.map(({ field, problem }) => `${field} ${problem}`.trim()).join("; ");
        const [first] = event.reasons;
        this.#report({
          code: "quarantined",
          message: `the server put ${event.id ?? "an event"} in quarantine: ${why}`,
          fix: first?.fix ?? "",
        });
        this.#call(() => settings.onQuarantined?.(event));
      },
      onFailure: (failure) => this.#report(failure),
      onProgress: () => {
        this.#progress.notify();
        if (!this.#spool.isEmpty) this.#schedule();
      },
    });
    if (settings.heartbeatIntervalMs > 0) this.record(this.#heartbeat("started"));
    void this.#adopt();
    this.#every(settings.adoptAfterMs / 2, () => void this.#adopt());
    this.#every(settings.adoptAfterMs / 4, () => this.#guard(() => this.#spool.touch()));
    if (settings.heartbeatIntervalMs > 0)
      this.#every(settings.heartbeatIntervalMs, () => void this.record(this.#heartbeat("running")));
    process.on("exit", this.#onExit);
  }

  /**
   * Records an access that is over. Synchronous, takes microseconds, never throws and never waits for the network.
   *
   * @returns `accepted`: it will be stored; `dropped` or `refused`: it will not, and why
   */
  record(draft: EventDraft): Recorded {
    const nowMs = Date.now();
    return this.#record(draft, draft.id ?? uuidV7(nowMs), nowMs);
  }

  /**
   * Records an access and resolves when it is durable on the disk: it then outlives a power loss as well. Calls at the same time share one
   * sync.
   */
  async recordDurable(draft: EventDraft): Promise<Recorded> {
    const recorded = this.record(draft);
    if (recorded.kind === "accepted") await this.sync();
    return recorded;
  }

  /** Notes on the disk that an access has begun, so that the end of the process does not hide it; see `OpenAccess`. */
  begin(what: string): OpenAccess {
    const begunMs = Date.now();
    const id = uuidV7(begunMs);
    const slot = this.#isClosed ? undefined : this.#guard(() => this.#spool.noteOpen({ id, begunMs, what }));
    return makeOpenAccess({
      id,
      begunMs,
      record: (draft) => this.#record(draft, draft.id ?? id, begunMs),
      forget: () => {
        if (slot !== undefined && !this.#isClosed) this.#guard(() => this.#spool.forgetOpen(slot));
      },
    });
  }

  #record(draft: EventDraft, id: string, nowMs: number): Recorded {
    if (this.#isClosed) return this.#refuse("closed", "the client is closed");
    const { maxEventBytes, whenFull } = this.#settings;
    const seq = this.#seq + 1;
    let line: string;
    try {
      line = makeLine(draft, { ...this.#settings, instance: this.#instance }, { id, seq, nowMs });
    } catch (cause) {
      return this.#refuse("invalid", `the event cannot be written as JSON: ${String(cause)}`);
    }
    if (line.length > maxEventBytes || (line.length * 3 > maxEventBytes && Buffer.byteLength(line) > maxEventBytes))
      return this.#refuse("too_large", `the event has more than ${maxEventBytes} bytes`);
    try {
      if (this.#spool.append(line, Date.now()) === "full") {
        const refused = this.#refuse("full", `the spool holds ${this.#settings.maxBytes} bytes`);
        if (whenFull === "refuse") return refused;
        this.#refused -= 1;
        this.#dropped += 1;
        this.#seq = seq;
        return { kind: "dropped", seq };
      }
    } catch (cause) {
      return this.#refuse("storage_failed", `the spool cannot be written: ${String(cause)}`);
    }
    this.#seq = seq;
    this.#accepted += 1;
    this.#schedule();
    return { kind: "accepted", id, seq };
  }

  #refuse(why: Refusal, message: string): Recorded {
    this.#refused += 1;
    if (why === "full")
      this.#report({ code: "spool_full", message, fix: "Check why the server takes nothing; see stats()." });
    if (why === "storage_failed")
      this.#report({ code: "spool_failed", message, fix: "Check the disk and its free space." });
    if (why === "invalid" || why === "too_large")
      this.#report({ code: "invalid_event", message, fix: "Give plain data, and less of it." });
    return { kind: "refused", why, message };
  }

  #schedule(): void {
    const { flushIntervalMs, syncIntervalMs, batch } = this.#settings;
    if (this.#isClosed) return;
    if (this.#spool.appended - this.#spool.settled >= batch.events) this.#sender.wake();
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#sender.wake();
    }, flushIntervalMs).unref();
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#spool.sync().catch((cause: unknown) => this.#reportSpool(cause));
    }, syncIntervalMs).unref();
  }

  /** Resolves when everything recorded before this call is durable on the disk. @throws the file system's error */
  sync(): Promise<void> {
    return this.#spool.sync();
  }

  /**
   * Sends what waits and resolves when everything that was recorded before this call, or was found in the spool, has its verdict.
   *
   * @param options `timeoutMs`: how long at most; default 5,000. What then still waits stays in the spool and is sent on.
   */
  async flush({ timeoutMs = FLUSH_MS }: { readonly timeoutMs?: number } = {}): Promise<Flushed> {
    const target = this.#spool.appended;
    const calm = this.#sender.hurry();
    try {
      const isDone = (): boolean => !this.#isAdopting && this.#spool.settled >= target && !this.#spool.hasFound;
      const isFlushed = await this.#progress.until(isDone, timeoutMs);
      return isFlushed ? { kind: "flushed" } : { kind: "waiting", events: this.stats().waiting };
    } finally {
      calm();
    }
  }

  /**
   * Sends what waits for at most `timeoutMs` (default 5,000), then takes no more events and gives up the spool's folder. What still waits is
   * on disk: the next process that opens the spool sends it. Call it last in the application's own shutdown; a second call waits for the first.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<Flushed> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: { readonly timeoutMs?: number }): Promise<Flushed> {
    if (this.#settings.heartbeatIntervalMs > 0) this.record(this.#heartbeat("stopping"));
    for (const timer of this.#timers) clearInterval(timer);
    const flushed = await this.flush(options);
    await this.#sender.stop();
    await this.sync().catch((cause: unknown) => this.#reportSpool(cause));
    this.#end();
    return flushed;
  }

  #end(): void {
    this.#isClosed = true;
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#syncTimer);
    process.off("exit", this.#onExit);
    this.#guard(() => this.#spool.release());
  }

  /** The process ends without `close`: what waits stays for the next one, which is told that this was no crash. */
  #exit(): void {
    if (this.#isClosed) return;
    if (this.#settings.heartbeatIntervalMs > 0 && this.#closing === undefined) this.record(this.#heartbeat("stopping"));
    this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => undefined);
  }

  /** Counts, and what stands in the way. Costs nothing; suits a health check. */
  stats(): Stats {
    const { failure, counts } = this.#sender;
    return {
      instance: this.#instance,
      lastSeq: this.#seq,
      accepted: this.#accepted,
      refused: this.#refused,
      dropped: this.#dropped,
      waiting: this.#spool.appended - this.#spool.settled,
      open: this.#spool.openCount,
      sent: { ...counts },
      adopted: { ...this.#adopted },
      spoolBytes: this.#spool.usedBytes,
      ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message, fix: failure.fix } }),
    };
  }

  /** Keyed digest of a value: equal values have equal digests, and nobody without the key finds the value. Undefined without `digestKey`. */
  digest(value: unknown): string | undefined {
    const { digestKey } = this.#settings;
    return digestKey === undefined ? undefined : keyedDigest(digestKey, value);
  }

  /** What changed, for `impact`: names of the fields that differ and, with a `digestKey`, keyed digests of both values. */
  changes(before: unknown, after: unknown): Pick<Impact, "fields" | "before" | "after"> {
    const fields = diffFields(before, after);
    const [beforeDigest, afterDigest] = [this.digest(before), this.digest(after)];
    return {
      ...(fields.length === 0 ? {} : { fields }),
      ...(beforeDigest === undefined ? {} : { before: beforeDigest }),
      ...(afterDigest === undefined ? {} : { after: afterDigest }),
    };
  }

  #heartbeat(state: "started" | "running" | "stopping"): EventDraft {
    return heartbeat(this.#settings.system, this.#instance, {
      state,
      lastSeq: this.#seq,
      accepted: this.#accepted,
      dropped: this.#dropped,
      refused: this.#refused,
      quarantined: this.#sender.counts.quarantined,
      waiting: this.#spool.appended - this.#spool.settled,
      open: this.#spool.openCount,
    });
  }

  async #adopt(): Promise<void> {
    try {
      await this.#spool.adopt((found) => this.#takeFound(found));
      if (this.#spool.hasFound) this.#sender.wake();
    } catch (cause) {
      this.#reportSpool(cause);
    } finally {
      this.#isAdopting = false;
      this.#progress.notify();
    }
  }

  #takeFound(found: Found): void {
    this.#adopted.writers += 1;
    this.#adopted.events += found.events;
    this.#adopted.unfinished += found.unfinished.length;
    if (found.died || found.unfinished.length > 0) this.record(processEnded(this.#settings.system, found));
  }

  #every(intervalMs: number, run: () => void): void {
    this.#timers.push(setInterval(run, intervalMs).unref());
  }

  #report(problem: Pick<Problem, "code" | "message" | "fix">): void {
    this.#call(() => this.#settings.onProblem(problem));
  }

  #reportSpool(cause: unknown): void {
    this.#report({
      code: "spool_failed",
      message: `the spool failed: ${String(cause)}`,
      fix: "Check the disk and its free space.",
    });
  }

  /** What the application gave us to call must not break recording. */
  #call(callback: () => void): void {
    try {
      callback();
    } catch (cause) {
      process.emitWarning(`a callback of the Evident SDK threw ${String(cause)}`, { type: "EvidentWarning" });
    }
  }

  #guard<Value>(run: () => Value): Value | undefined {
    try {
      return run();
    } catch (cause) {
      this.#reportSpool(cause);
      return undefined;
    }
  }
}
