import {
  defaultCsvColumns,
  EvidentError,
  type ExportText,
  type ExportTextFormat,
  exportTextFormats,
  lookUpCsvColumn,
  makeExportText,
} from "@evident/core";
import type { FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import type { Hit } from "../../search/index.ts";
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
import {
  type ExportOutcome,
  ExportReceipts,
  ExportStream,
  formatSnapshot,
  parsePlace,
  parseSnapshot,
  type Snapshot,
} from "../export/index.ts";
import { FieldsError } from "../problems/index.ts";
import type { Caller } from "../reads/index.ts";
import { resourcesOf } from "./events-read.ts";
import { checkSearchText, parseTimeRange, type TimeRange } from "./query.ts";
import { answerOf, QueryText, refusals, TrailsQuery } from "./schemas.ts";

const MAX_BUFFERED_BYTES = 1024 * 1024;
/** Each has its size in the snapshot, which goes out in a header. */
const MAX_TRAILS = 64;
const MAX_COLUMNS = 200;
/** Each holds two pages of the index and keeps it busy, which answers four searches at a time: one is left for others. */
const MAX_AT_ONCE = 3;

/** Times of exports, shorter in tests. */
export interface ExportTimes {
  /** A client that takes nothing for this long is dropped. */
  readonly stallMs: number;
  /** How long the index may take to reach what is stored when the export begins. */
  readonly indexWaitMs: number;
}

export const exportTimes: ExportTimes = { stallMs: 60_000, indexWaitMs: 30_000 };

const media: Readonly<Record<ExportTextFormat, { readonly contentType: string; readonly fileEnding: string }>> = {
  ndjson: { contentType: "application/x-ndjson; charset=utf-8", fileEnding: "ndjson" },
  csv: { contentType: "text/csv; charset=utf-8; header=present", fileEnding: "csv" },
  ocsf: { contentType: "application/x-ndjson; charset=utf-8", fileEnding: "ocsf.ndjson" },
};

const Bound = (description: string) => Type.Optional(Type.String({ description, maxLength: 64 }));

const ExportParams = Type.Object(
  {
    q: Type.Optional(QueryText),
    from: Bound("Time of the event, inclusive: RFC 3339 with zone, a date in UTC, or relative such as -24h."),
    to: Bound("Exclusive; a date includes all of its day."),
    trail: Type.Optional(TrailsQuery),
    format: Type.Enum([...exportTextFormats], { description: "See docs/export.md.", default: "ndjson" }),
    columns: Type.Optional(
      Type.String({
        description: "Of CSV: fields as in a search, and leafHash, with commas between.",
        maxLength: 8192,
      }),
    ),
    receipts: Type.Optional(
      Type.Boolean({ description: "Each entry with its `.tlog-proof` in base64. Default: true for ocsf, else false." }),
    ),
    snapshot: Type.Optional(
      Type.String({
        description: "`evident-export-snapshot` of another answer: the same entries again. It names the trails.",
        maxLength: 8192,
      }),
    ),
    after: Type.Optional(
      Type.String({ description: "Go on behind this entry, `<trail>:<index>`; needs `snapshot`.", maxLength: 128 }),
    ),
  },
  { additionalProperties: false },
);

type Asked = Static<typeof ExportParams>;

/** What is exported, and how. */
interface Plan {
  readonly asked: Asked;
  readonly snapshot: Snapshot;
  readonly range: TimeRange;
  readonly format: ExportText;
  readonly withReceipts: boolean;
  readonly after: Hit | undefined;
}

function wrongField(field: string, problem: string, fix: string): FieldsError {
  return new FieldsError(`${field} ${problem}`, [{ field, problem, fix }]);
}

function columnsOf({ format, columns }: Asked): readonly string[] {
  if (columns === undefined) return defaultCsvColumns;
  if (format !== "csv") throw wrongField("columns", `are of csv, not of ${format}`, "Leave them out.");
  const names = columns.split(",").map((name) => name.trim());
  if (names.length > MAX_COLUMNS) throw wrongField("columns", `are ${names.length}`, `Name at most ${MAX_COLUMNS}.`);
  return names.map((written) => {
    const found = lookUpCsvColumn(written);
    if (found.kind === "known") return found.name;
    const fix = found.nearest === undefined ? "Name a field of the event." : `Did you mean ${found.nearest}?`;
    throw wrongField("columns", `hold no field ${JSON.stringify(written.slice(0, 60))}`, fix);
  });
}

/** Whether each entry carries its receipt; CSV has no place for one. */
function wantsReceipts({ format, receipts = format === "ocsf" }: Asked): boolean {
  if (receipts && format === "csv") throw wrongField("receipts", "have no place in csv", "Take ndjson or ocsf.");
  return receipts;
}

function openSnapshot({ ledger }: ApiContext, { grant }: Caller, asked: Asked): Snapshot {
  if (asked.snapshot === undefined) {
    const trails = chosenTrails(ledger, grant, asked.trail);
    if (trails.length > MAX_TRAILS)
      throw wrongField("trail", `stands for ${trails.length} trails, more than ${MAX_TRAILS}`, "Name the trails.");
    const sizes = new Map(trails.map((name) => [name, visibleTrail(ledger, grant, name).size]));
    return { nowMs: Math.floor(ledger.nowMs()), sizes };
  }
  if (asked.trail !== undefined)
    throw wrongField("trail", "stands beside snapshot", "Leave it out: snapshot names them.");
  const snapshot = parseSnapshot(asked.snapshot);
  for (const [trail, size] of snapshot.sizes) {
    if (size > visibleTrail(ledger, grant, trail).size)
      throw wrongField("snapshot", `has more entries of ${trail} than there are`, "Send it as it came.");
  }
  return snapshot;
}

async function findAfter({ ledger }: ApiContext, { after }: Asked, { sizes }: Snapshot): Promise<Hit | undefined> {
  if (after === undefined) return undefined;
  const { trail, index } = parsePlace(after);
  const entry = index < (sizes.get(trail) ?? 0) ? await ledger.entry(trail, index) : undefined;
  if (entry === undefined) throw wrongField("after", "is no entry of the snapshot", "Give the last that has arrived.");
  return { trail, index, entry };
}

async function makePlan(context: ApiContext, caller: Caller, asked: Asked): Promise<Plan> {
  if (asked.after !== undefined && asked.snapshot === undefined)
    throw wrongField("after", "stands without snapshot", "Send the snapshot of the answer that it comes from.");
  const snapshot = openSnapshot(context, caller, asked);
  checkSearchText(asked.q, snapshot.nowMs);
  return {
    asked,
    snapshot,
    range: parseTimeRange(asked, snapshot.nowMs),
    format: makeExportText(asked.format, columnsOf(asked)),
    withReceipts: wantsReceipts(asked),
    after: await findAfter(context, asked, snapshot),
  };
}

/** @throws EvidentError `not_ready` when the index does not reach the snapshot in time */
async function waitIndexed({ search }: ApiContext, { sizes }: Snapshot, waitMs: number): Promise<void> {
  const signal = AbortSignal.timeout(waitMs);
  await search.waitIndexed(Object.fromEntries(sizes), signal).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
    throw new EvidentError("not_ready", "the index has not caught up with the log yet", { cause });
  });
}

/** `GET /v1/export`. `idle` resolves when none is under way and the end of each is recorded. */
export function registerExport(
  app: App,
  context: ApiContext,
  times: ExportTimes = exportTimes,
): { readonly idle: () => Promise<void> } {
  const count = new OpenCount((open) => context.metrics.openExports.set(open));
  app.get(
    "/v1/export",
    {
      config: { access: access.read },
      schema: {
        tags: ["events"],
        summary: "Export",
        description:
          "Every entry that matches and is stored when the export begins, by time of the event, as a stream. The end of the chunked " +
          "body means complete, and the trailer `evident-export-entries` counts; a body that breaks off is not. NDJSON also ends with a " +
          'line `{"end":…}`. `evident-export-snapshot` and the last entry that has arrived (`after`) continue one that broke off.',
        querystring: ExportParams,
        response: { 200: answerOf("The entries.", "application/x-ndjson"), ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const plan = await makePlan(context, caller, request.query);
      // Without chunks the end of the connection is the end of the body, and what broke off looks whole.
      if (request.raw.httpVersion === "1.0")
        throw new EvidentError("bad_request", "an export needs HTTP/1.1", {
          fix: "Let the proxy speak HTTP/1.1 to us.",
        });
      if (context.stopping.aborted) throw new EvidentError("not_ready", "the server is stopping");
      if (count.open >= MAX_AT_ONCE)
        throw new EvidentError("overloaded", `${count.open} exports are under way already`);
      const leave = count.enter();
      try {
        await waitIndexed(context, plan.snapshot, times.indexWaitMs);
        const receipts = plan.withReceipts ? await ExportReceipts.open(context.ledger, plan.snapshot.sizes) : undefined;
        await record(context, caller, plan);
        await stream(context, times, { caller, reply, plan, receipts });
      } finally {
        leave();
      }
      return reply;
    },
  );
  return { idle: () => count.idle };
}

function record(context: ApiContext, caller: Caller, plan: Plan, outcome?: ExportOutcome): Promise<void> {
  const { asked, snapshot, range, withReceipts } = plan;
  const detail = {
    q: asked.q,
    ...range,
    format: asked.format,
    receipts: withReceipts,
    snapshot: formatSnapshot(snapshot),
    after: asked.after,
  };
  const resources = resourcesOf([...snapshot.sizes.keys()], caller);
  const act = { op: "EXPORT", resources } as const;
  if (outcome === undefined) return context.readLog.record(caller, { ...act, name: "export.open", detail });
  const { end, last, entries: rows, bytesOut } = outcome;
  return context.readLog.record(caller, {
    ...act,
    name: "export.close",
    detail: { ...detail, end, complete: end === "complete", last },
    rows,
    bytesOut,
  });
}

async function stream(
  context: ApiContext,
  times: ExportTimes,
  to: {
    readonly caller: Caller;
    readonly reply: FastifyReply;
    readonly plan: Plan;
    readonly receipts: ExportReceipts | undefined;
  },
): Promise<void> {
  const { caller, reply, plan, receipts } = to;
  const { format, snapshot, asked, range, after } = plan;
  const response = beginStream(reply, {
    "content-type": media[asked.format].contentType,
    "content-disposition": `attachment; filename="evident-export.${media[asked.format].fileEnding}"`,
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "evident-export-snapshot": formatSnapshot(snapshot),
    trailer: "evident-export-entries",
  });
  const writer = new PacedWriter(response, { maxBufferedBytes: MAX_BUFFERED_BYTES, stallMs: times.stallMs });
  const outcome = await new ExportStream({
    search: context.search,
    writer,
    format,
    query: {
      ...(asked.q === undefined ? {} : { text: asked.q }),
      ...range,
      ...(after === undefined ? {} : { after }),
      nowMs: snapshot.nowMs,
      trails: [...snapshot.sizes.keys()],
    },
    sizes: snapshot.sizes,
    receipts,
    isAllowed: () => context.authenticator.isValid(caller.grant),
    stopping: context.stopping,
  }).run();
  if (outcome.end === "stalled") context.metrics.droppedClients.inc({ why: "stalled" });
  if (outcome.end === "failed") reply.log.error({ cause: String(outcome.cause) }, "export failed");
  context.metrics.exportedEntries.inc(outcome.entries);
  // The end is recorded before the reader can know that it has everything.
  await record(context, caller, plan, outcome).catch((cause: unknown) => {
    response.destroy();
    throw cause;
  });
  if (outcome.end !== "complete") {
    response.destroy();
    return;
  }
  response.addTrailers({ "evident-export-entries": String(outcome.entries) });
  response.end(format.end(outcome.entries));
}
