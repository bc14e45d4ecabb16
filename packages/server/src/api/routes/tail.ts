import { EvidentError } from "@evident/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import {
  type ApiContext,
  type App,
  beginStream,
  callerOf,
  chosenTrails,
  OpenCount,
  PacedWriter,
  visibleTrail,
} from "../app/index.ts";
import { access } from "../auth/index.ts";
import { FieldsError } from "../problems/index.ts";
import type { Caller } from "../reads/index.ts";
import { formatPositions, type Positions, parsePositions, type TailOutcome, TailStream } from "../tail/index.ts";
import { resourcesOf } from "./events-read.ts";
import { checkSearchText } from "./query.ts";
import { answerOf, QueryText, refusals, TrailsQuery } from "./schemas.ts";

const MAX_BUFFERED_BYTES = 256 * 1024;
/** Each has its position in the id of every event, which comes back in a header. */
const MAX_TRAILS = 64;

/** Times of tails, shorter in tests. */
export interface TailTimes {
  readonly heartbeatMs: number;
  /** A client that takes nothing for this long is dropped. */
  readonly stallMs: number;
}

export const tailTimes: TailTimes = { heartbeatMs: 15_000, stallMs: 30_000 };

const TailParams = Type.Object(
  { q: Type.Optional(QueryText), trail: Type.Optional(TrailsQuery) },
  { additionalProperties: false },
);

/** What a client asks to follow: the trails, whether it named them, and the last event it has seen. */
interface Beginning {
  readonly trails: readonly string[];
  readonly isChosen: boolean;
  readonly lastEventId: string | undefined;
}

/** Where to begin: behind what the client has seen, else at what is stored from now on. */
function startPositions(
  { ledger }: ApiContext,
  caller: Caller,
  { trails, isChosen, lastEventId }: Beginning,
): Positions {
  if (lastEventId === undefined || lastEventId === "") {
    return new Map(trails.map((name) => [name, visibleTrail(ledger, caller.grant, name).size]));
  }
  const seen = parsePositions(lastEventId);
  if (seen === undefined) {
    const problem = "is not an id of this stream";
    throw new FieldsError(`Last-Event-ID ${problem}`, [
      { field: "last-event-id", problem, fix: "Leave it out to begin now." },
    ]);
  }
  // A trail that is not in the id was made since, and is followed from its beginning; one that is asked for only now, from now on.
  return new Map(
    trails.map((name) => {
      const { size } = visibleTrail(ledger, caller.grant, name);
      return [name, Math.min(size, seen.get(name) ?? (isChosen ? size : 0))];
    }),
  );
}

function checkTrailCount(trails: readonly string[]): void {
  if (trails.length <= MAX_TRAILS) return;
  const problem = `this key sees ${trails.length} trails, and a tail follows at most ${MAX_TRAILS}`;
  throw new FieldsError(problem, [{ field: "trail", problem, fix: "Name the trails to follow." }]);
}

/** `GET /v1/tail`: server-sent events. `idle` resolves when no tail is open and the end of each is recorded. */
export function registerTail(
  app: App,
  context: ApiContext,
  times: TailTimes = tailTimes,
): { readonly idle: () => Promise<void> } {
  const count = new OpenCount((open) => context.metrics.openTails.set(open));
  app.get(
    "/v1/tail",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "Follow",
        description:
          "Server-sent events named `entry` with `{trail,index,entry}` as data. Give the last `id` back in `Last-Event-ID` to go on after it. " +
          "A client that stops reading is dropped; opening and closing are recorded.",
        querystring: TailParams,
        headers: Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 8192 })) }),
        response: { 200: answerOf("The stream.", "text/event-stream"), ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { q, trail } = request.query;
      checkSearchText(q, context.ledger.nowMs());
      const trails = chosenTrails(context.ledger, caller.grant, trail);
      checkTrailCount(trails);
      const lastEventId = request.headers["last-event-id"];
      const positions = startPositions(context, caller, { trails, isChosen: trail !== undefined, lastEventId });
      if (context.stopping.aborted) throw new EvidentError("not_ready", "the server is stopping");
      if (count.open >= context.config.limits.concurrentTails)
        throw new EvidentError("overloaded", `${count.open} tails are open already`);
      const leave = count.enter();
      try {
        const record = makeRecorder(context, caller, trails, q);
        await record("tail.open", { from: formatPositions(positions) });
        // Without a choice of trails those that are made later belong to it.
        const following = (): readonly string[] =>
          trail === undefined ? chosenTrails(context.ledger, caller.grant, undefined).slice(0, MAX_TRAILS) : trails;
        const outcome = await stream(context, times, { request, reply, positions, trails: following, caller, text: q });
        if (outcome.end === "stalled") context.metrics.droppedClients.inc({ why: "stalled" });
        const end = { end: outcome.end, to: formatPositions(positions) };
        await record("tail.close", end, outcome);
      } finally {
        leave();
      }
      return reply;
    },
  );
  return { idle: () => count.idle };
}

function makeRecorder(context: ApiContext, caller: Caller, trails: readonly string[], q: string | undefined) {
  return (name: string, detail: Readonly<Record<string, string>>, outcome?: TailOutcome): Promise<void> =>
    context.readLog.record(caller, {
      op: "READ",
      name,
      resources: resourcesOf(trails, caller),
      detail: { q, ...detail },
      ...(outcome === undefined ? {} : { rows: outcome.delivered, bytesOut: outcome.bytesOut }),
    });
}

async function stream(
  context: ApiContext,
  times: TailTimes,
  tail: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly positions: Positions;
    readonly trails: () => readonly string[];
    readonly caller: Caller;
    readonly text: string | undefined;
  },
): Promise<TailOutcome> {
  const { reply, positions, trails, caller, text } = tail;
  const response = beginStream(reply, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  const writer = new PacedWriter(response, { maxBufferedBytes: MAX_BUFFERED_BYTES, stallMs: times.stallMs });
  const outcome = await new TailStream({
    ledger: context.ledger,
    writer,
    text,
    positions,
    trails,
    isAllowed: () => context.authenticator.isValid(caller.grant),
    expiresMs: caller.grant.expiresMs,
    stopping: context.stopping,
    heartbeatMs: times.heartbeatMs,
  }).run();
  response.end();
  return outcome;
}
