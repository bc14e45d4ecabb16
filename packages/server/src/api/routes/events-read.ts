import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import type { Hit, SearchPage } from "../../search/index.ts";
import { type ApiContext, type App, allVisibleTrails, callerOf, chosenTrails, visibleTrail } from "../app/index.ts";
import { access } from "../auth/index.ts";
import type { Caller } from "../reads/index.ts";
import { findEntry, hitText, indexedOf, joinBuffers, waitReceipt, whyNotOne } from "./hits.ts";
import { checkSearchText, parseTimeRange } from "./query.ts";
import { answerOf, HitSchema, IndexedSchema, QueryText, refusals, TrailName, TrailsQuery } from "./schemas.ts";

const JSON_TYPE = "application/json; charset=utf-8";
const NDJSON_TYPE = "application/x-ndjson; charset=utf-8";
const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 100;
const MAX_NAMED_TRAILS = 100;

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
      const hit = await lookUp(context, request, "events.get");
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
      const { trail, index } = await lookUp(context, request, "events.proof");
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

type Lookup = FastifyRequest<{ Params: Static<typeof EventParams>; Querystring: Static<typeof EventQuery> }>;

/** The one entry that is asked for. That there is none, or where there are several, is an answer as well: it is recorded before it is given. */
async function lookUp(context: ApiContext, request: Lookup, name: string): Promise<Hit> {
  const { ledger } = context;
  const caller = callerOf(request);
  const { id } = request.params;
  const { trail } = request.query;
  const trails =
    trail === undefined ? allVisibleTrails(ledger, caller.grant) : [visibleTrail(ledger, caller.grant, trail).name];
  const found = await findEntry(context, id, trails, request.signal);
  if (found.kind === "one") return found.hit;
  await context.readLog.record(caller, {
    op: "READ",
    name,
    resources: resourcesOf(trails, caller),
    detail: { id, ...(found.kind === "several" ? spanOf(found.hits) : {}) },
    rows: found.kind === "several" ? found.hits.length : 0,
  });
  throw whyNotOne(id, found);
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
      const page = await context.search.query(
        {
          ...(asked.q === undefined ? {} : { text: asked.q }),
          ...(asked.cursor === undefined ? {} : { cursor: asked.cursor }),
          ...range,
          trails,
          limit: asked.limit,
          order: asked.order,
        },
        request.signal,
      );
      const lines = page.hits.map(hitText);
      await context.readLog.record(caller, {
        op: "LIST",
        name: "events.search",
        resources: resourcesOf(trails, caller),
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
      return answerPage(request, reply, { ...page, indexed: indexedOf(page.indexed, trails) }, lines);
    },
  );
}

function answerPage(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { cursor, indexed }: SearchPage,
  lines: readonly Buffer[],
): FastifyReply {
  if (headers.accept?.includes("application/x-ndjson") === true) {
    if (cursor !== undefined) reply.header("evident-cursor", cursor);
    const end = Buffer.from(lines.length === 0 ? "" : "\n");
    return reply.type(NDJSON_TYPE).send(Buffer.concat([joinBuffers(lines, "\n"), end]));
  }
  const cursorText = cursor === undefined ? "" : `"cursor":${JSON.stringify(cursor)},`;
  const tail = Buffer.from(`],${cursorText}"indexed":${JSON.stringify(indexed)}}`);
  return reply.type(JSON_TYPE).send(Buffer.concat([Buffer.from('{"events":['), joinBuffers(lines, ","), tail]));
}

/** What a read looked at: the trails by name, or the whole tenant where they are too many for one entry. */
export function resourcesOf(
  trails: readonly string[],
  { grant }: Caller,
): readonly { readonly type: string; readonly id: string }[] {
  // A search that no trail could answer still names something: an event has at least one resource.
  if (trails.length === 0) return [{ type: "trail", id: "none" }];
  if (trails.length > MAX_NAMED_TRAILS) return [{ type: "tenant", id: grant.tenant }];
  return trails.map((id) => ({ type: "trail", id }));
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
