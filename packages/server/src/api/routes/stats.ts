import { Type } from "typebox";
import { type ApiContext, type App, callerOf, chosenTrails } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { FieldsError } from "../problems/index.ts";
import { resourcesOf } from "./events-read.ts";
import { indexedOf } from "./hits.ts";
import { checkSearchText, parseTimeRange } from "./query.ts";
import { IndexedSchema, QueryText, refusals, TrailsQuery } from "./schemas.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const StatsParams = Type.Object(
  {
    q: Type.Optional(QueryText),
    from: Type.Optional(Type.String({ description: "Inclusive, as for GET /v1/events.", maxLength: 64 })),
    to: Type.Optional(Type.String({ description: "Exclusive.", maxLength: 64 })),
    trail: Type.Optional(TrailsQuery),
    interval: Type.Optional(
      Type.String({
        description: "Width of a bucket: a number and ms, s, m, h, d or w. Absent: about 60 buckets.",
        pattern: "^\\d{1,6}(ms|s|m|h|d|w)$",
      }),
    ),
    top: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        description: "Fields to count the most frequent values of; repeat it.",
        maxItems: 10,
      }),
    ),
    topLimit: Type.Integer({ description: "Values per field.", minimum: 1, maximum: 1000, default: 10 }),
  },
  { additionalProperties: false },
);

const StatsSchema = Type.Object({
  count: Type.Integer(),
  intervalMs: Type.Integer(),
  buckets: Type.Array(
    Type.Object({ from: Type.String(), count: Type.Integer(), byStatus: Type.Record(Type.String(), Type.Integer()) }),
  ),
  top: Type.Record(Type.String(), Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }))),
  indexed: IndexedSchema,
});

function parseInterval(text: string | undefined): { readonly intervalMs?: number } {
  if (text === undefined) return {};
  const intervalMs = Number.parseInt(text, 10) * (UNIT_MS[text.replace(/^\d+/, "")] ?? 0);
  if (intervalMs > 0) return { intervalMs };
  throw new FieldsError("interval is zero", [{ field: "interval", problem: "is zero", fix: "Give at least 1ms." }]);
}

/** `GET /v1/stats`: histogram and most frequent values. */
export function registerStats(app: App, context: ApiContext): void {
  app.get(
    "/v1/stats",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "Count over time and by value",
        querystring: StatsParams,
        response: { 200: StatsSchema, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const { q, trail, interval, top, topLimit, ...bounds } = request.query;
      const nowMs = context.ledger.nowMs();
      checkSearchText(q, nowMs);
      const range = parseTimeRange(bounds, nowMs);
      const trails = chosenTrails(context.ledger, caller.grant, trail);
      const stats = await context.search.stats(
        {
          ...(q === undefined ? {} : { text: q }),
          ...range,
          ...parseInterval(interval),
          ...(top === undefined ? {} : { top }),
          topLimit,
          trails,
        },
        request.signal,
      );
      await context.readLog.record(caller, {
        op: "READ",
        name: "events.stats",
        resources: resourcesOf(trails, caller),
        detail: { q, ...range, interval, top },
      });
      return { ...stats, indexed: indexedOf(stats.indexed, trails) };
    },
  );
}
