import { EvidentError } from "@evident/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { decodeBody } from "../../capture/index.ts";
import type { Producer } from "../../check/index.ts";
import {
  type ApiContext,
  type App,
  grantOf,
  lingerOverBody,
  type Pace,
  producerOf,
  trailToWrite,
} from "../app/index.ts";
import { access, type Grant } from "../auth/index.ts";
import {
  adaptBody,
  type BodyFormat,
  type BodyPace,
  bodyFormat,
  type CheckedChunk,
  IncomingBody,
  IngestAnswer,
  type IngestGate,
  ingestBody,
} from "../ingest/index.ts";
import { ProblemSchema } from "../problems/index.ts";
import { answerOf, refusals, TrailName } from "./schemas.ts";

const MIB = 1024 * 1024;

/** Paces of bodies and answers, shorter in tests. */
export interface IngestTimes {
  readonly body: BodyPace;
  readonly answer: Pace;
}

export const ingestTimes: IngestTimes = {
  body: { idleMs: 30_000, minBytes: 1_024 },
  answer: { maxBufferedBytes: 4 * MIB, stallMs: 30_000 },
};

const ReasonSchema = Type.Object({ field: Type.String(), problem: Type.String(), fix: Type.String() });
const ResultSchema = Type.Object({
  line: Type.Integer({ description: "From 1." }),
  id: Type.Optional(Type.String({ description: "The event's id, where it could be read." })),
  trail: Type.String(),
  index: Type.Integer({ description: "Index of its entry; for a duplicate, of the entry that was there first." }),
  status: Type.Enum(["stored", "duplicate", "quarantined", "folded"]),
  reasons: Type.Optional(Type.Array(ReasonSchema, { description: "Why it is in quarantine." })),
  receipt: Type.Optional(
    Type.String({
      description: "With receipts=full: the .tlog-proof in base64. Absent when no checkpoint came in 30 s.",
    }),
  ),
});
const SummarySchema = Type.Object({
  read: Type.Integer({ description: "Sum of the others." }),
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  folded: Type.Integer(),
  quarantined: Type.Integer(),
  skipped: Type.Integer({
    description: "With `format`: lines that are no accesses, or belong to another line's event.",
  }),
  trail: Type.String(),
});

const DESCRIPTION = `One event as a JSON object, an array, or NDJSON (\`application/x-ndjson\`); plain or with \`content-encoding\` gzip or zstd.
An entry is acknowledged when it is durable. One object is answered 201 (stored), 200 (there already) or 422 (quarantined, with the reasons);
an array with \`{"results":[...]}\`; NDJSON with a result a line, in order, while the body is still read: read the answer as you send, or ask
for \`answer=summary\`. When the body breaks off, the lines before that are stored and the answer ends with \`{"error": problem}\`; with
\`answer=summary\` it is a problem document with the counts in \`summary\`. 429 and 507 come before a byte of the body is read.

With \`format\` the body holds records in their source's own format, whatever its content type: lines of a log, NDJSON, a JSON document.
\`line\` is then the line at which a record begins. A record without an id of its own is known by its place in the body: send
\`Idempotency-Key\` (a name for the body, at most 256 characters) to send a body again without storing it twice.`;

const MAX_OPTIONS = 32;

const IngestParams = Type.Object(
  {
    trail: Type.Optional({ ...TrailName, description: "Trail to store in. Default: the key's." }),
    answer: Type.Enum(["results", "summary"], { description: "summary: only the counts.", default: "results" }),
    format: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          "Format of the records: the name of an adapter, or auto. Default: events as in /schema/event.json.",
      }),
    ),
    option: Type.Optional(
      Type.Union(
        [Type.String({ maxLength: 4_096 }), Type.Array(Type.String({ maxLength: 4_096 }), { maxItems: MAX_OPTIONS })],
        {
          description: "Option of the format as name=value; may be given several times.",
        },
      ),
    ),
    source: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "With format: source of the events. Default: the key's, when it has one only.",
      }),
    ),
    receipts: Type.Enum(["none", "full"], {
      description: "full: wait for the next checkpoint and add receipts.",
      default: "none",
    }),
  },
  { additionalProperties: false },
);

const eventSchema = { type: "object", description: "See /schema/event.json." } as const;
const documentedBody = {
  content: {
    "application/json": { schema: { oneOf: [eventSchema, { type: "array", items: eventSchema }] } },
    "application/x-ndjson": { schema: { type: "string", description: "One event a line." } },
  },
} as const;

/** `POST /v1/events`. */
export function registerIngest(
  app: App,
  context: ApiContext,
  gate: IngestGate,
  times: IngestTimes = ingestTimes,
): void {
  void app.register(async (inner: App) => {
    // The body stays a stream: nothing here may parse it before the check does, line by line.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
    inner.post(
      "/v1/events",
      {
        config: { access: access.append, documentedBody },
        schema: {
          tags: ["events"],
          summary: "Send events",
          description: DESCRIPTION,
          querystring: IngestParams,
          response: {
            200: {
              description: "Results or counts.",
              content: {
                "application/json": {
                  schema: Type.Union([
                    Type.Object({ results: Type.Array(ResultSchema), error: Type.Optional(ProblemSchema) }),
                    ResultSchema,
                    SummarySchema,
                  ]),
                },
                "application/x-ndjson": { schema: Type.String() },
              },
            },
            201: ResultSchema,
            422: answerOf("One event, quarantined.", "application/json", ResultSchema),
            ...refusals,
          },
        },
      },
      async (request, reply) => {
        await ingest({ context, gate, times, request, reply });
        return reply;
      },
    );
  });
}

interface Ingest {
  readonly context: ApiContext;
  readonly gate: IngestGate;
  readonly times: IngestTimes;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Counts what a body came to, also when its client went away half-way. */
function count(context: ApiContext, answer: IngestAnswer, body: IncomingBody): void {
  const { accepted, duplicates, quarantined } = answer.summary;
  if (answer.hasStalled) context.metrics.droppedClients.inc({ why: "stalled" });
  context.metrics.lines.inc({ status: "stored" }, accepted);
  context.metrics.lines.inc({ status: "duplicate" }, duplicates);
  context.metrics.lines.inc({ status: "quarantined" }, quarantined);
  context.metrics.ingestBytes.inc(body.sizeBytes);
}

async function ingest({ context, gate, times, request, reply }: Ingest): Promise<void> {
  const grant = grantOf(request);
  const query = request.query as IngestQuery;
  const format = query.format === undefined ? undefined : bodyFormat(request.headers, query.format, query);
  const trail = trailToWrite(context.ledger, grant, query.trail);
  if (context.stopping.aborted) throw new EvidentError("not_ready", "the server is stopping");
  const leave = gate.enter();
  const body = new IncomingBody(request.raw, times.body);
  const answer = new IngestAnswer(reply, {
    pace: times.answer,
    summaryOnly: query.answer === "summary",
    trail: trail.name,
  });
  try {
    const producer = producerOf(grant, trail);
    const steps = ingestBody({
      ledger: context.ledger,
      gate,
      trail: trail.name,
      chunks: checkedChunks({ context, request, body, producer, format, answer }),
      quarantineConflicts: (conflicts) => context.checker.quarantineConflicts(conflicts, producer),
      onDuplicate: (name, source) => context.sources.noteDuplicate(name, source),
      receipts: query.receipts === "full",
      whyStop: () => whyStop(context, grant, answer),
      stopReading: () => body.stop(),
    });
    for await (const step of steps) await answer.take(step);
    await answer.finish();
  } catch (cause) {
    // Half an answer cannot become an error document any more: only the end of the connection says that it is not whole.
    if (reply.raw.headersSent) reply.raw.destroy();
    throw cause;
  } finally {
    leave();
    count(context, answer, body);
    if (reply.raw.headersSent) lingerOverBody(request, reply);
  }
}

interface IngestQuery {
  readonly trail?: string;
  readonly answer: string;
  readonly receipts: string;
  readonly format?: string;
  readonly option?: string | readonly string[];
  readonly source?: string;
}

interface CheckedBody {
  readonly context: ApiContext;
  readonly request: FastifyRequest;
  readonly body: IncomingBody;
  readonly producer: Producer;
  readonly format: BodyFormat | undefined;
  readonly answer: IngestAnswer;
}

async function* checkedChunks(parts: CheckedBody): AsyncGenerator<CheckedChunk> {
  const { context, request, body, producer, format, answer } = parts;
  const { checker, config, ledger } = context;
  const { headers } = request;
  const contentEncoding = headers["content-encoding"];
  const { limits } = config;
  if (format !== undefined) {
    const adapted = adaptBody(body.chunks(), { ...format, contentEncoding, limits, nowMs: () => ledger.nowMs() });
    for await (const { lines, skipped } of adapted) {
      answer.summary.skipped += skipped;
      if (lines.length > 0) yield { shape: "lines", lines: await checker.check(lines, producer) };
    }
    return;
  }
  const options = { contentType: headers["content-type"] ?? "", contentEncoding, limits };
  for await (const { shape, lines } of decodeBody(body.chunks(), options))
    yield { shape, lines: await checker.check(lines, producer) };
}

function whyStop(context: ApiContext, grant: Grant, answer: IngestAnswer): EvidentError | undefined {
  if (!context.authenticator.isValid(grant))
    return new EvidentError("unauthenticated", "the key was revoked or has expired");
  if (answer.isAbandoned) return new EvidentError("too_slow", "the client takes no answers");
  return undefined;
}
