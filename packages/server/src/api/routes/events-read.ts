import { type Static, Type } from "typebox";
import {
  type ApiContext,
  type App,
  allVisibleTrails,
  callerOf,
  chosenTrails,
  grantOf,
  visibleTrail,
} from "../app/index.ts";
import { access } from "../auth/index.ts";
import { findEntry, hitText, joinBuffers, waitReceipt } from "./hits.ts";
import { checkSearchText, parseTimeRange } from "./query.ts";
import { answerOf, HitSchema, IndexedSchema, QueryText, refusals, TrailName, TrailsQuery } from "./schemas.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const NDJSON_TYPE = "application/x-ndjson; charset=utf-8";
const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 100;

const Bound = (description: string) => Type.Optional(Type.String({ description, maxLength: 64 }));

const SearchParams = Type.Object(
  {
    q: Type.Optional(QueryText),
    from: Bound("Time of the event, inclusive: RFC 3339 with zone, a date in UTC, or relative such as -24h."),
    to: Bound("Exclusive; a date includes all of its day."),
    trail: Type.Optional(TrailsQuery),
    limit: Type.Integer({ description: "Entries in a page.", minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
    cursor: Type.Optional(Type.String({ description: "`cursor` of the page before.", maxLength: 4096 })),
    order: Type.Enum(["newest", "oldest"], { description: "By time of the event.", default: "newest" }),
  },
  { additionalProperties: false },
);

const PageSchema = Type.Object({
  events: Type.Array(HitSchema),
  cursor: Type.Optional(Type.String({ description: "There when there may be more; give it back as `cursor`." })),
  indexed: IndexedSchema,
});

const EventParams = Type.Object(
  { id: Type.String({ description: "Event id, or `<trail>:<index>`.", minLength: 1, maxLength: 1024 }) },
  { additionalProperties: false },
);
const EventQuery = Type.Object(
  { trail: Type.Optional({ ...TrailName, description: "Look in this trail only." }) },
  { additionalProperties: false },
);

type Asked = Static<typeof SearchParams>;

/** `GET /v1/events`, `/v1/events/:id` and `/v1/events/:id/proof`. */
export function registerEventReads(app: App, context: ApiContext): void {
  registerSearch(app, context);
  app.get(
    "/v1/events/:id",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "One entry",
        params: EventParams,
        querystring: EventQuery,
        response: { 200: HitSchema, ...refusals },
      },
    },
    async (request, reply) => {
      const hit = await findEntry(context, request.params.id, searched(context, request));
      await context.readLog.record(callerOf(request), {
        op: "READ",
        name: "events.get",
        resources: [{ type: "entry", id: `${hit.trail}:${hit.index}` }],
        detail: { id: request.params.id },
        rows: 1,
      });
      return reply.type(JSON_TYPE).send(hitText(hit));
    },
  );
  app.get(
    "/v1/events/:id/proof",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "The receipt of one entry",
        description:
          "A C2SP `.tlog-proof` with the entry's bytes in `extra`; waits for the next checkpoint when there is none yet.",
        params: EventParams,
        querystring: EventQuery,
        response: { 200: answerOf("The receipt.", "text/plain"), ...refusals },
      },
    },
    async (request, reply) => {
      const { trail, index } = await findEntry(context, request.params.id, searched(context, request));
      const receipt = await waitReceipt(context, trail, index);
      await context.readLog.record(callerOf(request), {
        op: "READ",
        name: "events.proof",
        resources: [{ type: "entry", id: `${trail}:${index}` }],
        detail: { id: request.params.id },
        rows: 1,
      });
      reply.header("content-disposition", `attachment; filename="${trail}-${index}.tlog-proof"`);
      return reply.type("text/plain; charset=utf-8").send(Buffer.from(receipt));
    },
  );
}

function searched(
  { ledger }: ApiContext,
  request: Parameters<typeof grantOf>[0] & { query: Static<typeof EventQuery> },
): readonly string[] {
  const grant = grantOf(request);
  const { trail } = request.query;
  return trail === undefined ? allVisibleTrails(ledger, grant) : [visibleTrail(ledger, grant, trail).name];
}

function registerSearch(app: App, context: ApiContext): void {
  app.get(
    "/v1/events",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "Search",
        description:
          "A page of entries. With `Accept: application/x-ndjson` one `{trail,index,entry}` a line, and the cursor in the header " +
          "`evident-cursor`.",
        querystring: SearchParams,
        response: { 200: PageSchema, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const asked: Asked = request.query;
      const nowMs = context.ledger.nowMs();
      checkSearchText(asked.q, nowMs);
      const range = parseTimeRange(asked, nowMs);
      const trails = chosenTrails(context.ledger, caller.grant, asked.trail);
      const page = await context.search.query({
        ...(asked.q === undefined ? {} : { text: asked.q }),
        ...(asked.cursor === undefined ? {} : { cursor: asked.cursor }),
        ...range,
        trails,
        limit: asked.limit,
        order: asked.order,
      });
      const lines = page.hits.map(hitText);
      await context.readLog.record(caller, {
        op: "LIST",
        name: "events.search",
        resources: resourcesOf(trails),
        detail: {
          q: asked.q,
          ...range,
          limit: asked.limit,
          order: asked.order,
          cursor: asked.cursor,
          ...spanOf(page.hits),
        },
        rows: lines.length,
      });
      if (request.headers.accept?.includes("application/x-ndjson") === true) {
        if (page.cursor !== undefined) reply.header("evident-cursor", page.cursor);
        return reply
          .type(NDJSON_TYPE)
          .send(lines.length === 0 ? "" : Buffer.concat([joinBuffers(lines, "\n"), Buffer.from("\n")]));
      }
      const cursor = page.cursor === undefined ? "" : `"cursor":${JSON.stringify(page.cursor)},`;
      const tail = `],${cursor}"indexed":${JSON.stringify(page.indexed)}}`;
      return reply
        .type(JSON_TYPE)
        .send(Buffer.concat([Buffer.from('{"events":['), joinBuffers(lines, ","), Buffer.from(tail)]));
    },
  );
}

/** A search that no trail could answer still names something: an event has at least one resource. */
export function resourcesOf(trails: readonly string[]): readonly { readonly type: string; readonly id: string }[] {
  return trails.length === 0 ? [{ type: "trail", id: "none" }] : trails.map((id) => ({ type: "trail", id }));
}

/** The index ranges that an answer showed, one text per trail. */
function spanOf(hits: readonly { readonly trail: string; readonly index: number }[]): {
  readonly shown?: readonly string[];
} {
  const spans = new Map<string, { low: number; high: number }>();
  for (const { trail, index } of hits) {
    const span = spans.get(trail);
    if (span === undefined) spans.set(trail, { low: index, high: index });
    else {
      span.low = Math.min(span.low, index);
      span.high = Math.max(span.high, index);
    }
  }
  return spans.size === 0 ? {} : { shown: [...spans].map(([trail, { low, high }]) => `${trail}:${low}-${high}`) };
}
