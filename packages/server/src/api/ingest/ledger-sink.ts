import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import type { BodyLine, ReceiverEvents, Sender, Sink, Stored } from "../../capture/index.ts";
import type { CheckedLine, Checker, Producer } from "../../check/index.ts";
import type { Ledger } from "../../ledger/index.ts";
import type { SourceBook } from "../../sources/index.ts";
import type { ApiMetrics } from "../metrics/index.ts";
import { toEvidentError } from "../problems/index.ts";
import { storeLines } from "./store-lines.ts";
import { Summary, type Verdict } from "./verdict.ts";

/** Between two attempts while the disk is behind or full. */
const RETRY_MS = 50;
const FULL_RETRY_MS = 1_000;

/** What receivers store through. */
export interface LedgerSinkOptions {
  readonly ledger: Ledger;
  readonly checker: Checker;
  readonly sources: SourceBook;
  readonly metrics: ApiMetrics;
}

/** Receivers' records through the same check into the same ledger as those of `POST /v1/events`. */
export class LedgerSink implements Sink {
  readonly #options: LedgerSinkOptions;

  constructor(options: LedgerSinkOptions) {
    this.#options = options;
  }

  async store(lines: readonly BodyLine[], sender: Sender, signal: AbortSignal): Promise<Stored> {
    const { checker, metrics } = this.#options;
    const producer: Producer = { key: sender.name, tenant: sender.tenant, sources: [sender.source] };
    await this.#waitForRoom(signal);
    const checked = await this.#retried(() => checker.check(lines, producer), signal);
    const verdicts = await this.#retried(() => this.#append(checked, sender, producer), signal);
    const summary = new Summary(sender.trail);
    for (const { status } of verdicts) summary.add(status);
    metrics.receivedLines(sender.receiver, summary);
    return summary;
  }

  noteSkipped({ receiver }: Sender, lines: number): void {
    this.#options.metrics.receivedLines(receiver, { accepted: 0, duplicates: 0, quarantined: 0, skipped: lines });
  }

  #append(checked: readonly CheckedLine[], { trail }: Sender, producer: Producer): Promise<readonly Verdict[]> {
    const { ledger, checker, sources } = this.#options;
    return storeLines(
      ledger,
      trail,
      checked,
      (conflicts) => checker.quarantineConflicts(conflicts, producer),
      (name, source) => sources.noteDuplicate(name, source),
    );
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    for (
      let pressure = this.#options.ledger.pressure();
      pressure.kind !== "ready";
      pressure = this.#options.ledger.pressure()
    ) {
      await pause(pressure.kind === "full" ? FULL_RETRY_MS : RETRY_MS, signal);
    }
  }

  /** What is refused for now is tried again: no line of it was stored. */
  async #retried<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    for (;;) {
      try {
        return await work();
      } catch (cause) {
        const { code } = toEvidentError(cause);
        if (code !== "overloaded" && code !== "storage_full") throw cause;
        await pause(code === "storage_full" ? FULL_RETRY_MS : RETRY_MS, signal);
      }
    }
  }
}

async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(waitMs, undefined, { signal });
  } catch (cause) {
    throw new EvidentError("not_ready", "the receiver stops", { cause });
  }
}

/** The metrics of receivers. */
export function receiverEvents(metrics: ApiMetrics): ReceiverEvents {
  return {
    bytes: (receiver, sizeBytes) => metrics.receiverBytes.inc({ receiver }, sizeBytes),
    connections: (receiver, change) => metrics.receiverConnections.inc({ receiver }, change),
    lost: (receiver, why, count) => metrics.receiverLosses.inc({ receiver, why }, count),
    object: (status) => metrics.receiverObjects.inc({ status }),
  };
}
