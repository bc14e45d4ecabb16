import type { AppendStatement, LedgerOptions } from "./types.ts";

interface ClockStep {
  readonly from: string;
  readonly to: string;
  readonly deltaMs: number;
}

/** Steps of the wall clock raise an alarm at once and are stated in `evident` as soon as the ledger runs, until it stops. */
export class ClockSteps {
  readonly #onAlarm: LedgerOptions["onAlarm"];
  readonly #unstated: ClockStep[] = [];
  #appendStatement: AppendStatement | undefined;

  constructor(onAlarm: LedgerOptions["onAlarm"]) {
    this.#onAlarm = onAlarm;
  }

  report(fromMs: number, toMs: number): void {
    const step = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      deltaMs: Math.round(toMs - fromMs),
    };
    this.#onAlarm?.({ kind: "clock_stepped", detail: `the wall clock went from ${step.from} to ${step.to}` });
    this.#unstated.push(step);
    // Reported in the turn of an append: state it in the next one.
    setImmediate(() => this.#state());
  }

  start(appendStatement: AppendStatement): void {
    this.#appendStatement = appendStatement;
    this.#state();
  }

  /** Nothing is stated after this: `server.stopped` is the last statement of a run. */
  stop(): void {
    this.#appendStatement = undefined;
  }

  #state(): void {
    const appendStatement = this.#appendStatement;
    if (appendStatement === undefined) return;
    for (const step of this.#unstated.splice(0)) {
      // What was refused, by a full disk for one, is stated with the next step.
      appendStatement({ type: "clock.stepped", ...step }).catch(() => this.#unstated.push(step));
    }
  }
}
