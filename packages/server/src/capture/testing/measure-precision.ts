import type { AccessEvent } from "@evident/core";

/** Percentages of events, to one decimal, in which a part is exactly known: neither unknown nor a default. */
export interface Precision {
  readonly actor: number;
  readonly operation: number;
  readonly resource: number;
  readonly scope: number;
  readonly outcome: number;
  readonly source: number;
}

const isExact: Readonly<Record<keyof Precision, (event: AccessEvent, warnings: readonly string[]) => boolean>> = {
  actor: ({ actor }, warnings) => actor.type !== "unknown" && !warnings.includes("actor:default"),
  operation: ({ action }, warnings) =>
    action.op !== "UNKNOWN" && action.op !== "OTHER" && !warnings.includes("op:default"),
  resource: (_event, warnings) => !warnings.includes("resource:default"),
  scope: ({ resources, impact }) => impact !== undefined || resources.some(({ scope }) => scope !== undefined),
  outcome: ({ outcome }) => outcome.status !== "unknown" && outcome.status !== "pending",
  source: ({ source }) => source.ip !== undefined || source.service !== undefined || source.host !== undefined,
};

/** How exactly events say who did what to which resource, with what scope and outcome, from where. */
export function measurePrecision(events: readonly AccessEvent[]): Precision {
  const share = (part: keyof Precision): number => {
    const exact = events.filter((event) => isExact[part](event, event.origin.warnings ?? [])).length;
    return Math.round((exact * 1_000) / Math.max(1, events.length)) / 10;
  };
  return {
    actor: share("actor"),
    operation: share("operation"),
    resource: share("resource"),
    scope: share("scope"),
    outcome: share("outcome"),
    source: share("source"),
  };
}
