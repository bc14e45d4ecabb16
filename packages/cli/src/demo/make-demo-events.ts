import type { DemoEvent } from "./demo-event.ts";
import { incidents } from "./incidents/index.ts";
import { Random } from "./random.ts";
import { DAY_MS, HOUR_MS, isNight, spreadOverHours } from "./timeline.ts";
import { trafficEvent } from "./traffic/index.ts";

/** Monday. Fixed, so that the same seed gives the same bytes on any day. */
const START_MS = Date.UTC(2026, 0, 5);
const EVENTS_PER_DAY = 5_000;
const MOST_DAYS = 90;
const DAYS_PER_ROUND = 7;
/** At most this part of a small file is incidents. */
const INCIDENT_SHARE = 0.4;

/** How many events and from which seed; `startMs` is Unix time of the first day's midnight, UTC. */
export interface DemoOptions {
  readonly count: number;
  readonly seed: number;
  readonly startMs?: number;
}

interface Scheduled {
  readonly atMs: number;
  readonly event: DemoEvent;
}

function timeOf(event: DemoEvent): number {
  return Date.parse(`${event.time.occurred.slice(0, 23)}Z`);
}

/** Each incident about once a week, on a day of chance, in order of time. */
function planIncidents(random: Random, startMs: number, days: number, most: number): readonly Scheduled[] {
  const planned: Scheduled[] = [];
  const rounds = Math.max(1, Math.round(days / DAYS_PER_ROUND));
  for (let round = 0; round < rounds; round += 1) {
    for (const incident of incidents) {
      const firstDay = Math.floor((round * days) / rounds);
      const span = Math.max(1, Math.floor(((round + 1) * days) / rounds) - firstDay);
      const dayMs = startMs + (firstDay + random.below(span)) * DAY_MS;
      const events = incident.script(random, dayMs + incident.hour * HOUR_MS + random.below(HOUR_MS), 1);
      if (planned.length + events.length > most) continue;
      for (const event of events) planned.push({ atMs: timeOf(event), event });
    }
  }
  return planned.sort((a, b) => a.atMs - b.atMs);
}

/**
 * Events of a small company over some days in order of time: `count` of them, about 650 bytes each as JSON, all valid, with incidents
 * among them. The same options always give the same events. A day has about 5,000; more than 90 days are not filled, days get busier.
 */
export function* makeDemoEvents(options: DemoOptions): Generator<DemoEvent, void, undefined> {
  const { count, seed, startMs = START_MS } = options;
  const random = new Random(seed);
  const days = Math.min(MOST_DAYS, Math.max(1, Math.ceil(count / EVENTS_PER_DAY)));
  const planned = planIncidents(random, startMs, days, Math.floor(count * INCIDENT_SHARE));
  let next = 0;
  for (const hour of spreadOverHours(startMs, days, count - planned.length)) {
    const night = isNight(hour.startMs);
    const stepMs = HOUR_MS / Math.max(1, hour.count);
    for (let each = 0; each < hour.count; each += 1) {
      const atMs = hour.startMs + (each + random.unit()) * stepMs;
      for (let due = planned[next]; due !== undefined && due.atMs <= atMs; due = planned[next]) {
        next += 1;
        yield due.event;
      }
      yield trafficEvent(random, atMs, night);
    }
  }
  for (const { event } of planned.slice(next)) yield event;
}
