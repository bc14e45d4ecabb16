import type { ClockState } from "./types.ts";

const FORWARD_LIMIT_MS = 5 * 60_000;
const BACK_LIMIT_MS = 1_000;

export interface ClockSource {
  /** Unix ms; may step. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never steps. */
  monotonicMs(): number;
}

/**
 * The time that `received` follows: the wall clock while it agrees with the monotonic one, otherwise the monotonic one from the last
 * value, until both agree again or an operator confirms the wall clock. Never decreases; survives restarts by `lastMs`.
 */
export class ReceivedClock {
  readonly #source: ClockSource;
  readonly #onStep: (fromMs: number, toMs: number) => void;
  #lastMs: number;
  #lastMonotonicMs: number;
  #holding = false;
  /** Confirmed while the wall clock was behind: `received` stands still until it has caught up. */
  #waiting = false;
  #textMs = -1;
  #text = "";

  constructor(source: ClockSource, lastMs: number, onStep: (fromMs: number, toMs: number) => void) {
    this.#source = source;
    this.#onStep = onStep;
    this.#lastMonotonicMs = source.monotonicMs();
    const wallMs = source.wallMs();
    this.#lastMs = Math.max(lastMs, wallMs);
    if (lastMs - wallMs > BACK_LIMIT_MS) this.#hold(lastMs, wallMs);
  }

  nowMs(): number {
    const wallMs = Math.trunc(this.#source.wallMs());
    const monotonicMs = this.#source.monotonicMs();
    if (this.#waiting) {
      if (wallMs < this.#lastMs) return this.#lastMs;
      this.#waiting = false;
      this.#lastMs = wallMs;
      this.#lastMonotonicMs = monotonicMs;
    }
    const expectedMs = this.#lastMs + Math.max(0, monotonicMs - this.#lastMonotonicMs);
    const aheadMs = wallMs - expectedMs;
    if (this.#holding) {
      if (Math.abs(aheadMs) <= BACK_LIMIT_MS) this.#holding = false;
    } else if (aheadMs > FORWARD_LIMIT_MS || aheadMs < -BACK_LIMIT_MS) {
      this.#hold(expectedMs, wallMs);
    }
    const nextMs = Math.max(this.#lastMs, this.#holding ? Math.trunc(expectedMs) : wallMs);
    if (nextMs > this.#lastMs) {
      // Held time takes whole milliseconds of the monotonic clock and leaves the fraction: lost with every call, it would add up until
      // the wall clock, right again, is found wrong.
      this.#lastMonotonicMs = this.#holding ? this.#lastMonotonicMs + (nextMs - this.#lastMs) : monotonicMs;
      this.#lastMs = nextMs;
    }
    return nextMs;
  }

  /** `nowMs` as RFC 3339 UTC with nine fraction digits. */
  now(): string {
    const nowMs = this.nowMs();
    if (nowMs !== this.#textMs) {
      this.#textMs = nowMs;
      this.#text = `${new Date(nowMs).toISOString().slice(0, -1)}000000Z`;
    }
    return this.#text;
  }

  /** An operator says the wall clock is right. A wall clock that is behind is waited for: time still never goes back. */
  confirm(): void {
    if (!this.#holding) return;
    const wallMs = Math.trunc(this.#source.wallMs());
    this.#holding = false;
    this.#waiting = wallMs < this.#lastMs;
    this.#lastMs = Math.max(this.#lastMs, wallMs);
    this.#lastMonotonicMs = this.#source.monotonicMs();
  }

  state(): ClockState {
    if (!this.#holding) return { kind: "steady" };
    const wallMs = Math.trunc(this.#source.wallMs());
    return {
      kind: "holding",
      wall: new Date(wallMs).toISOString(),
      received: new Date(this.#lastMs).toISOString(),
      deltaMs: wallMs - this.#lastMs,
    };
  }

  #hold(fromMs: number, toMs: number): void {
    this.#holding = true;
    this.#onStep(fromMs, toMs);
  }
}
