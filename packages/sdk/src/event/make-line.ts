import type { EventDraft } from "./access-event.ts";

/** What the SDK adds to every event of one client. */
export interface Stamp {
  readonly system: string;
  readonly source: string | undefined;
  readonly instance: string;
}

/** What the SDK adds to one event. */
export interface Numbered {
  readonly id: string;
  readonly seq: number;
  readonly nowMs: number;
}

/** Milliseconds of Unix time in stored form: UTC, nine fraction digits. */
export function storedTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, -1)}000000Z`;
}

function timeText(given: Date | string | undefined): string | undefined {
  return given instanceof Date ? storedTime(given.getTime()) : given;
}

const isSilent = (value: unknown): boolean => value === undefined || value === null || value === "" || value === "-";

/** Absent means unknown: leaves out what says nothing, in place of an event that would be quarantined for it. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.filter((item) => !isSilent(item)).map(prune);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => !isSilent(member));
  return Object.fromEntries(members.map(([name, member]) => [name, prune(member)]));
}

const wellFormed = (_: string, value: unknown): unknown => (typeof value === "string" ? value.toWellFormed() : value);

/** Signs in the text that something in it might say nothing, or is half of a surrogate pair. Being wrong costs only time. */
const hasSilence = /""|:null|"-"|\[\]/;

/**
 * The event of a draft as one line of JSON with its members in canonical order, without the line's end. These are the bytes that are sent,
 * however often: the server tells a repeated event by them.
 *
 * @throws TypeError when the draft holds what JSON cannot say: a cycle, a BigInt, a Date that is none
 */
export function makeLine(draft: EventDraft, { system, source, instance }: Stamp, { id, seq, nowMs }: Numbered): string {
  const { time, warnings, detail, native } = draft;
  const event = {
    v: 1,
    id,
    time: {
      occurred: timeText(time?.occurred) ?? storedTime(nowMs),
      ended: timeText(time?.ended),
      precision: "ms",
      basis: "event",
      tz: "stated",
    },
    actor: draft.actor,
    action: draft.action,
    resources: draft.resources,
    outcome: draft.outcome,
    source: draft.source ?? {},
    impact: draft.impact,
    trace: draft.trace,
    origin: { source, system, adapter: "sdk", nativeId: `${instance}/${seq}`, seq: String(seq), warnings },
    labels: draft.labels,
    detail,
    native,
  };
  let line = JSON.stringify(event);
  if (hasSilence.test(line)) {
    const { detail: _, native: __, ...rest } = event;
    line = JSON.stringify({ ...(prune(rest) as object), detail, native });
  }
  return line.includes("\\ud") ? JSON.stringify(JSON.parse(line), wellFormed) : line;
}
