import { Type } from "typebox";
import { missingNumbers, recentNumbers, type SourceState } from "../../sources/index.ts";
import { type ApiContext, type App, callerOf, chosenTrails } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { resourcesOf } from "./events-read.ts";
import { refusals, TrailsQuery } from "./schemas.ts";

const Time = (description: string) => Type.String({ description: `${description} RFC 3339 UTC.` });

const GapSchema = Type.Object({
  from: Type.Integer({ description: "First number that did not come." }),
  to: Type.Integer({ description: "Last one." }),
  since: Time("When the number behind the gap came."),
});

const SequenceSchema = Type.Object({
  counter: Type.String({
    description: "Who counts, for example a process of an application; empty when it is not said.",
  }),
  first: Type.Integer(),
  last: Type.Integer(),
  at: Time("When the newest number came."),
  missing: Type.Integer({ description: "Numbers that did not come." }),
  resets: Type.Integer({ description: "Times the numbers began again." }),
  gaps: Type.Array(GapSchema, { description: "The newest 64." }),
});

const SourceSchema = Type.Object({
  source: Type.String(),
  trail: Type.String(),
  adapter: Type.String({ description: "What made its newest event of the native record." }),
  events: Type.Integer({ description: "Events stored." }),
  duplicates: Type.Integer({ description: "Events sent again. Counted from the newest snapshot on." }),
  quarantined: Type.Record(Type.String(), Type.Integer(), { description: "Records in quarantine, by why." }),
  lossy: Type.Integer({ description: "Events that say that something before them may be lost." }),
  firstReceived: Type.Optional(Time("First entry.")),
  lastReceived: Type.Optional(Time("Newest event, by our clock.")),
  lastOccurred: Type.Optional(Time("Newest time that an event states.")),
  lastIndex: Type.Optional(Type.Integer({ description: "Index of the newest event." })),
  lastMinute: Type.Integer({ description: "Events of the last full minute." }),
  lastHour: Type.Integer({ description: "Events of the last 60 minutes." }),
  lag: Type.Optional(
    Type.Object(
      { p50Ms: Type.Integer(), p95Ms: Type.Integer() },
      {
        description: "Received minus occurred, of the last hour, in ms; known to 20 %.",
      },
    ),
  ),
  clockAheadMs: Type.Integer({ description: "How far its clock is ahead of ours at least, of the last hour." }),
  missing: Type.Integer({ description: "Sequence numbers that did not come." }),
  sequences: Type.Array(SequenceSchema, { description: "The 256 counters that were heard of last." }),
  failures: Type.Array(
    Type.Object({
      trail: Type.String(),
      index: Type.Integer(),
      received: Type.String(),
      why: Type.String(),
      field: Type.String(),
      problem: Type.String(),
    }),
    { description: "The newest 5 records in quarantine." },
  ),
});

const SourcesSchema = Type.Object({
  sources: Type.Array(SourceSchema),
  behind: Type.Integer({
    description: "Durable entries that are not counted yet: after a start, the sources are read again.",
  }),
});

function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000000Z");
}

/** A moment that may be unknown, as a member of an object. */
function timeMember<Name extends string>(name: Name, unixMs: number | null): Partial<Record<Name, string>> {
  return unixMs === null || unixMs === 0 ? {} : ({ [name]: timeOf(unixMs) } as Record<Name, string>);
}

function describeSource(state: SourceState, nowMs: number) {
  const { trail, source, adapter, events, duplicates, quarantined, lossy } = state;
  const { lastMinute, lastHour, lag, clockAheadMs } = recentNumbers(state, nowMs);
  const sequences = state.sequences.toReversed().map(([counter, sequence]) => ({
    counter,
    first: sequence.first,
    last: sequence.last,
    at: timeOf(sequence.lastMs),
    missing: missingNumbers(sequence),
    resets: sequence.resets,
    gaps: sequence.gaps.map(({ from, to, sinceMs }) => ({ from, to, since: timeOf(sinceMs) })),
  }));
  return {
    source,
    trail,
    adapter,
    events,
    duplicates,
    quarantined,
    lossy,
    ...timeMember("firstReceived", state.firstReceivedMs),
    ...timeMember("lastReceived", state.lastReceivedMs),
    ...timeMember("lastOccurred", state.lastOccurredMs),
    ...(events === 0 ? {} : { lastIndex: state.lastIndex }),
    lastMinute,
    lastHour,
    ...(lag === undefined ? {} : { lag }),
    clockAheadMs,
    missing: sequences.reduce((sum, { missing }) => sum + missing, 0),
    sequences,
    failures: state.samples
      .toReversed()
      .map(({ index, atMs, why, field, problem }) => ({ trail, index, received: timeOf(atMs), why, field, problem })),
  };
}

/** `GET /v1/sources`: who sends, how much, how late and what is missing. */
export function registerSources(app: App, context: ApiContext): void {
  app.get(
    "/v1/sources",
    {
      config: { access: access.observe },
      schema: {
        tags: ["sources"],
        summary: "List sources with their state",
        description:
          "Per source and trail: adapter, newest event, rate, lag, clock, sequence gaps, duplicates and records in quarantine.",
        querystring: Type.Object(
          {
            trail: Type.Optional(TrailsQuery),
            source: Type.Optional(Type.String({ description: "Only this source.", minLength: 1, maxLength: 128 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: SourcesSchema, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const { trail, source } = request.query;
      const { ledger, sources: book } = context;
      const trails = chosenTrails(ledger, caller.grant, trail);
      const nowMs = ledger.nowMs();
      const sources = trails
        .flatMap((name) => book.sources(name))
        .filter((state) => source === undefined || state.source === source)
        .map((state) => describeSource(state, nowMs));
      await context.readLog.record(caller, {
        op: "LIST",
        name: "sources.list",
        resources: resourcesOf(trails, caller),
        detail: { source },
      });
      return { sources, behind: trails.reduce((sum, name) => sum + book.behind(name), 0) };
    },
  );
}
