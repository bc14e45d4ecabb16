import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { AccessEvent } from "../event/index.ts";
import { backoffMs, type Reason, type SendFailure, sendLines, type Verdict } from "../send/index.ts";
import type { Batch, Spool } from "../spool/index.ts";
import type { Settings } from "./options.ts";

/** An event that the server stored in quarantine, and why. `event` is what was sent, unless a damaged disk left something else. */
export interface QuarantinedEvent {
  readonly id: string | undefined;
  readonly trail: string;
  readonly index: number;
  readonly reasons: readonly Reason[];
  readonly event: AccessEvent | undefined;
}

/** What the server said so far. */
export interface SendCounts {
  stored: number;
  duplicates: number;
  quarantined: number;
  /** Put into `too-large.ndjson` in the spool's folder because the server takes no event of this size. */
  setAside: number;
}

interface SenderContext {
  readonly spool: Spool;
  readonly settings: Settings;
  readonly onQuarantined: (event: QuarantinedEvent) => void;
  readonly onFailure: (failure: SendFailure) => void;
  /** After each answer, and when nothing is left. */
  readonly onProgress: () => void;
}

const seqOf = /"nativeId":"[0-9a-f-]{36}\/(\d{1,15})","seq":"/;

function parseEvent(line: string): AccessEvent | undefined {
  try {
    return JSON.parse(line) as AccessEvent;
  } catch {
    return undefined;
  }
}

/** Takes lines out of the spool and sends them, one request at a time, until each has a verdict. */
export class Sender {
  readonly counts: SendCounts = { stored: 0, duplicates: 0, quarantined: 0, setAside: 0 };
  /** Why the newest try failed; undefined when it did not. */
  failure: SendFailure | undefined;
  readonly #context: SenderContext;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #urgent = 0;
  #failures = 0;
  #mostEvents: number;
  #wakeUp: () => void = () => undefined;

  constructor(context: SenderContext) {
    this.#context = context;
    this.#mostEvents = context.settings.batch.events;
  }

  /** Sends what waits, if it is not being sent already. */
  wake(): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#context.onProgress();
    });
  }

  /** Sends until nothing waits, and tries again at once where it waits after a failure. Call the result to end the hurry. */
  hurry(): () => void {
    this.#urgent += 1;
    this.#wakeUp();
    this.wake();
    return () => {
      this.#urgent -= 1;
    };
  }

  /** Gives up what is under way: its lines keep no verdict. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wakeUp();
    await this.#running;
  }

  #isWorthSending(): boolean {
    const { spool, settings } = this.#context;
    const waiting = spool.appended - spool.settled;
    return this.#urgent > 0 || spool.hasFound || waiting >= settings.batch.events;
  }

  async #run(): Promise<void> {
    const { spool, settings, onFailure } = this.#context;
    do {
      let batch: Batch | undefined;
      try {
        batch = await spool.next({ events: this.#mostEvents, bytes: settings.batch.bytes });
      } catch (cause) {
        const message = `the spool cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
        this.failure = { code: "refused", message, fix: "Check the disk and the folder's permissions." };
        onFailure(this.failure);
        await this.#wait(settings.maxBackoffMs);
        continue;
      }
      if (batch === undefined) return;
      await this.#send(batch);
    } while (!this.#stop.signal.aborted && (this.failure !== undefined || this.#isWorthSending()));
  }

  async #send(batch: Batch): Promise<void> {
    const { settings, spool, onFailure, onProgress } = this.#context;
    const { url, key, trail, requestTimeoutMs: timeoutMs } = settings;
    const verdicts: Verdict[] = [];
    const lines = { body: batch.body, count: batch.lines.length };
    const target = { url, key, trail, timeoutMs, fetch: globalThis.fetch };
    const failure = await sendLines(target, lines, (verdict) => verdicts.push(verdict), this.#stop.signal);
    for (const [place, verdict] of verdicts.entries()) this.#count(verdict, batch.lines[place] ?? "");
    spool.acknowledge(batch, verdicts.length, Number(seqOf.exec(batch.lines[verdicts.length - 1] ?? "")?.[1] ?? 0));
    if (verdicts.length > 0) {
      this.#failures = 0;
      onProgress();
    }
    if (this.#stop.signal.aborted) return;
    this.failure = failure;
    if (failure === undefined) {
      this.#mostEvents = settings.batch.events;
      return;
    }
    if (failure.code === "too_large" && this.#shrink(batch, verdicts.length)) return;
    this.#failures += 1;
    onFailure(failure);
    await this.#wait(backoffMs(failure, this.#failures, settings.maxBackoffMs, Math.random()));
  }

  /** Halves the requests; an event that is too large alone is put aside, or it would hold up all others. */
  #shrink(batch: Batch, answered: number): boolean {
    if (batch.lines.length > 1) {
      this.#mostEvents = Math.ceil(batch.lines.length / 2);
      return true;
    }
    if (answered > 0) return true;
    const { spool, settings, onFailure } = this.#context;
    appendFileSync(join(settings.dir, "too-large.ndjson"), batch.body, { mode: 0o600, flush: true });
    this.counts.setAside += 1;
    spool.acknowledge(batch, 1, 0);
    if (this.failure !== undefined) onFailure(this.failure);
    this.failure = undefined;
    return true;
  }

  #count(verdict: Verdict, line: string): void {
    switch (verdict.status) {
      case "stored":
      case "folded":
        this.counts.stored += 1;
        return;
      case "duplicate":
        this.counts.duplicates += 1;
        return;
      case "quarantined": {
        this.counts.quarantined += 1;
        const { id, trail, index, reasons = [] } = verdict;
        this.#context.onQuarantined({ id, trail, index, reasons, event: parseEvent(line) });
      }
    }
  }

  /** Waits, at most until `hurry` or `stop`. The timer does not keep the process alive: what waits is on disk. */
  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      timer.unref();
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stop.signal.aborted) this.#wakeUp();
    });
  }
}
