import type { DemoEvent } from "./demo-event.ts";
import { type Incident, incidents } from "./incidents/index.ts";
import { Random } from "./random.ts";
import { trafficEvent } from "./traffic/index.ts";

/** Quicker than life, so that a short demonstration sees them whole. */
const PACE = 0.05;
const INCIDENT_EVERY_MS = 60_000;
const FIRST_INCIDENT_MS = 10_000;

/** Traffic that happens now, as on a working day, with an incident about once a minute. */
export class LiveDemo {
  readonly #random: Random;
  #due: DemoEvent[] = [];
  #nextIncidentMs: number | undefined;
  #told = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** The incident that begins at this time, if one does; call it before `take`. */
  begin(atMs: number): Incident | undefined {
    this.#nextIncidentMs ??= atMs + FIRST_INCIDENT_MS;
    if (atMs < this.#nextIncidentMs) return undefined;
    this.#nextIncidentMs = atMs + INCIDENT_EVERY_MS;
    const incident = incidents[this.#told % incidents.length];
    this.#told += 1;
    if (incident !== undefined) this.#due.push(...incident.script(this.#random, atMs, PACE));
    return incident;
  }

  /** `count` events for the time since the last call, none of them after `atMs`. */
  take(sinceMs: number, atMs: number, count: number): readonly DemoEvent[] {
    const now = new Date(atMs).toISOString().slice(0, 23);
    const due = this.#due.filter(({ time }) => time.occurred.slice(0, 23) <= now).slice(0, count);
    if (due.length > 0) {
      const taken = new Set(due);
      this.#due = this.#due.filter((event) => !taken.has(event));
    }
    const others = count - due.length;
    const stepMs = (atMs - sinceMs) / Math.max(1, others);
    const events = Array.from({ length: others }, (_, each) =>
      trafficEvent(this.#random, sinceMs + each * stepMs, false),
    );
    return [...due, ...events].sort((a, b) => (a.time.occurred < b.time.occurred ? -1 : 1));
  }
}
