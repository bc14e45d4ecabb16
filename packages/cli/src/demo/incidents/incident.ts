import type { DemoEvent } from "../demo-event.ts";
import type { Random } from "../random.ts";

/** A story among the traffic: what happens, at what time of day, and the search that finds it. */
export interface Incident {
  readonly name: string;
  readonly summary: string;
  readonly search: string;
  /** UTC hour at which it begins. */
  readonly hour: number;
  /** Its events in order of time. `pace` stretches the time between them: 1 is lifelike. */
  script(random: Random, startMs: number, pace: number): readonly DemoEvent[];
}

/** Hands out times that go forward by seconds, as a script goes on. */
export class ScriptClock {
  #atMs: number;
  readonly #random: Random;
  readonly #pace: number;

  constructor(random: Random, startMs: number, pace: number) {
    this.#atMs = startMs;
    this.#random = random;
    this.#pace = pace;
  }

  /** The time after a wait of about so many seconds. */
  after(seconds: number): number {
    this.#atMs += Math.max(1, Math.floor(seconds * 1000 * this.#pace * (0.6 + 0.8 * this.#random.unit())));
    return this.#atMs;
  }
}
