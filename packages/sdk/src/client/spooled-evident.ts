import { changesOf } from "../digest/index.ts";
import { type Problem, quarantineProblem, SdkError } from "../errors/index.ts";
import {
  type EventDraft,
  type Impact,
  makeLine,
  makeOpenAccess,
  type OpenAccess,
  type Recorded,
  type Refusal,
  type Stamp,
  uuidV7,
} from "../event/index.ts";
import { type Found, Spool } from "../spool/index.ts";
import type { Evident, Flushed, Stats } from "./evident.ts";
import { keyedDigest } from "./keyed-digest.ts";
import type { Settings } from "./options.ts";
import { heartbeat, processEnded } from "./own-events.ts";
import { ProgressSignal } from "./progress-signal.ts";
import { Sender } from "./sender.ts";

const FLUSH_MS = 5_000;

/** The client with its spool on a disk. */
export class SpooledEvident implements Evident {
  readonly #settings: Settings;
  readonly #instance = uuidV7(Date.now());
  readonly #stamp: Stamp;
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
    const { dir, maxBytes, segmentBytes, adoptAfterMs, system, source } = settings;
    this.#stamp = { system, source, instance: this.#instance };
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
        this.#report(quarantineProblem(event));
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

  record(draft: EventDraft): Recorded {
    const nowMs = Date.now();
    return this.#record(draft, draft.id ?? uuidV7(nowMs), nowMs);
  }

  async recordDurable(draft: EventDraft): Promise<Recorded> {
    const recorded = this.record(draft);
    if (recorded.kind === "accepted") await this.sync();
    return recorded;
  }

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
      line = makeLine(draft, this.#stamp, { id, seq, nowMs });
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

  sync(): Promise<void> {
    return this.#spool.sync();
  }

  async flush({ timeoutMs = FLUSH_MS }: { readonly timeoutMs?: number } = {}): Promise<Flushed> {
    // What is being taken over is reported by events of our own, which belong to what was found.
    let target = this.#isAdopting ? undefined : this.#spool.appended;
    const isDone = (): boolean => {
      if (this.#isAdopting) return false;
      target ??= this.#spool.appended;
      return this.#spool.settled >= target && !this.#spool.hasFound;
    };
    const calm = this.#sender.hurry();
    try {
      const isFlushed = await this.#progress.until(isDone, timeoutMs);
      return isFlushed ? { kind: "flushed" } : { kind: "waiting", events: this.stats().waiting };
    } finally {
      calm();
    }
  }

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

  digest(value: unknown): string | undefined {
    const { digestKey } = this.#settings;
    return digestKey === undefined ? undefined : keyedDigest(digestKey, value);
  }

  changes(before: unknown, after: unknown): Pick<Impact, "fields" | "before" | "after"> {
    return changesOf(before, after, (value) => this.digest(value));
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
    } catch (cause) {
      this.#reportSpool(cause);
    } finally {
      this.#isAdopting = false;
      if (!this.#spool.isEmpty) this.#sender.wake();
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
