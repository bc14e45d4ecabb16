import type { EventDraft } from "../event/index.ts";
import type { Found } from "../spool/index.ts";

/** Most unfinished accesses that a report names one by one. */
const MAX_NAMED = 500;

/** What a heartbeat says. Counts are since the client was made. */
export interface HeartbeatFacts {
  readonly state: "started" | "running" | "stopping";
  readonly lastSeq: number;
  readonly accepted: number;
  readonly dropped: number;
  readonly refused: number;
  readonly quarantined: number;
  readonly waiting: number;
  /** Accesses under way. */
  readonly open: number;
}

type Subject = Pick<EventDraft, "actor" | "resources">;

function about(system: string, instance: string): Subject {
  return {
    actor: { type: "service", id: system, ns: "evident.sdk" },
    resources: [{ type: "evident.instance", id: instance }],
  };
}

/** The event that says that a client lives, and what it has counted. `lastSeq` is the sequence number before its own. */
export function heartbeat(system: string, instance: string, facts: HeartbeatFacts): EventDraft {
  return {
    ...about(system, instance),
    action: { op: "OTHER", name: "evident.heartbeat", kind: "other" },
    outcome: { status: "success" },
    detail: { instance, pid: process.pid, ...facts },
  };
}

/** The event that says how another writer of the spool ended, and what it had begun and never accepted. */
export function processEnded(
  system: string,
  { instance, died, events, tornBytes, lastSeq, unfinished }: Found,
): EventDraft {
  const code = died ? "process_died" : "process_exited";
  const named = unfinished.slice(0, MAX_NAMED).map(({ id, begunMs, what }) => ({
    id,
    begun: new Date(begunMs).toISOString(),
    ...(what === "" ? {} : { what }),
  }));
  return {
    ...about(system, instance),
    action: { op: "OTHER", name: "evident.process_ended", kind: "other" },
    outcome: {
      status: "failure",
      code,
      reason: `${unfinished.length} accesses had begun and were never recorded; ${events} recorded ones were found and are sent`,
    },
    detail: { instance, lastSeq, found: events, tornBytes, unfinishedCount: unfinished.length, unfinished: named },
  };
}
