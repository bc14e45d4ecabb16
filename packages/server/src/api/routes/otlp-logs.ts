import { type ErrorCode, EvidentError } from "@evident/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type OtlpEncoding, writeLogResponse, writeStatus } from "../../capture/index.ts";
import { type ApiContext, type App, grantOf, trailToWrite } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { bodyFormat, type IngestGate, OtlpBodies, type Received, receiveBody } from "../ingest/index.ts";
import { describeFailure, makeProblem, RetryError, toEvidentError } from "../problems/index.ts";
import type { IngestTimes } from "./events-post.ts";
import { TrailName } from "./schemas.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const RETRY_SECONDS = 1;
/** OTLP/HTTP: what a client sends again; everything else it drops. */
const RETRYABLE = 503;

const DESCRIPTION = `OTLP/HTTP logs: an \`ExportLogsServiceRequest\` as \`${PROTOBUF}\` or \`${JSON_TYPE}\`, plain or with
\`content-encoding\` gzip or zstd, at most 20 MiB after decompression. Point an OpenTelemetry SDK or collector at this server with the key
in \`Authorization: Bearer\`. Records are read by the adapter \`otel\`. Answered in the request's encoding when everything is durable;
\`partial_success\` counts the records that are in quarantine. Errors are \`google.rpc.Status\`; 429 and 503 mean: send again, after
Retry-After. A request that is sent again unchanged is stored once when its records have times.`;

const Query = Type.Object(
  {
    source: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: "Source of the events. Default: the key's only one." }),
    ),
    trail: Type.Optional({ ...TrailName, description: "Trail to store in. Default: the key's." }),
    option: Type.Optional(
      Type.Array(Type.String({ maxLength: 4_096 }), {
        maxItems: 32,
        description: "Option of the adapter otel as name=value; may be given several times.",
      }),
    ),
  },
  { additionalProperties: false },
);

interface LogsQuery {
  readonly source?: string;
  readonly trail?: string;
  readonly option?: readonly string[];
}

/** google.rpc.Code by our code; 13 is INTERNAL. */
const rpcCodes: Partial<Record<ErrorCode, number>> = {
  bad_request: 3,
  too_large: 3,
  unsupported_media: 3,
  not_found: 5,
  forbidden: 7,
  overloaded: 14,
  storage_full: 14,
  storage_failed: 14,
  not_ready: 14,
  unauthenticated: 16,
};

/** The encoding that a body is said to have; undefined for another type. */
function encodingOf(contentType: string | undefined): OtlpEncoding | undefined {
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return type === PROTOBUF ? "protobuf" : type === JSON_TYPE ? "json" : undefined;
}

function send(reply: FastifyReply, encoding: OtlpEncoding, body: Buffer): FastifyReply {
  return reply
    .type(encoding === "json" ? JSON_TYPE : PROTOBUF)
    .header("cache-control", "no-store")
    .send(body);
}

/** Answers a failure as OTLP/HTTP asks. What is our fault may be sent again: dropping it would lose it. */
function answerStatus(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const failure = toEvidentError(error);
  if (failure.status >= 500)
    request.log.error({ code: failure.code, failure: describeFailure(failure) }, "request failed");
  const status = failure.status >= 500 ? RETRYABLE : failure.status;
  if ((status === RETRYABLE || status === 429) && !reply.hasHeader("retry-after")) {
    reply.header("retry-after", failure instanceof RetryError ? failure.retryAfterSeconds : RETRY_SECONDS);
  }
  if (failure.code === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="evident"');
  const encoding = encodingOf(request.headers["content-type"]) ?? "json";
  const { detail, fix } = makeProblem(failure, request.id);
  send(reply.code(status), encoding, writeStatus(encoding, rpcCodes[failure.code] ?? 13, `${detail}. ${fix}`));
}

const anyBody = (description: string): object => ({ schema: { type: "object", description } });
const documentedBody = {
  content: {
    [PROTOBUF]: { schema: { type: "string", format: "binary", description: "ExportLogsServiceRequest." } },
    [JSON_TYPE]: anyBody("ExportLogsServiceRequest in its JSON form."),
  },
};
const status = { description: "google.rpc.Status.", content: { [JSON_TYPE]: anyBody("code and message") } };
const schema = {
  tags: ["events"],
  summary: "Receive OpenTelemetry logs",
  description: DESCRIPTION,
  querystring: Query,
  response: {
    200: { description: "ExportLogsServiceResponse.", content: { [JSON_TYPE]: anyBody("partialSuccess, if any") } },
    "4xx": status,
    "5xx": status,
  },
};

/** What the route works with. */
interface LogsRoute {
  readonly context: ApiContext;
  readonly gate: IngestGate;
  readonly times: IngestTimes;
  readonly bodies: OtlpBodies;
}

/** `POST /v1/logs`. */
export function registerOtlpLogs(app: App, context: ApiContext, gate: IngestGate, times: IngestTimes): void {
  const route: LogsRoute = { context, gate, times, bodies: new OtlpBodies() };
  void app.register(async (inner: App) => {
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
    inner.setErrorHandler(answerStatus);
    inner.post("/v1/logs", { config: { access: access.append, documentedBody }, schema }, async (request, reply) => {
      const encoding = encodingOf(request.headers["content-type"]);
      if (encoding === undefined) {
        const fix = `Send ${PROTOBUF} or ${JSON_TYPE}.`;
        throw new EvidentError("unsupported_media", "the body is no OTLP", { fix });
      }
      const { summary, reason } = await receive(route, request, encoding);
      const message = reason === undefined ? "" : `in quarantine: ${reason.field} ${reason.problem}. ${reason.fix}`;
      return send(reply, encoding, writeLogResponse(encoding, summary.quarantined, message));
    });
  });
}

function receive(
  { context, gate, times, bodies }: LogsRoute,
  request: FastifyRequest,
  encoding: OtlpEncoding,
): Promise<Received> {
  const grant = grantOf(request);
  const query = request.query as LogsQuery;
  const { options, source } = bodyFormat(request.headers, "otel", query);
  return receiveBody({
    context,
    gate,
    pace: times.body,
    request: request.raw,
    grant,
    trail: trailToWrite(context.ledger, grant, query.trail),
    receiver: "otlp",
    read: (bytes) =>
      bodies.read(bytes, {
        encoding,
        contentEncoding: request.headers["content-encoding"],
        bodyBytes: context.config.limits.bodyBytes,
        options,
        source,
        nowMs: () => context.ledger.nowMs(),
      }),
  });
}
