import { EvidentError } from "@evident/core";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { findAdapters } from "../../capture/index.ts";
import { type ApiContext, type App, grantOf, trailToWrite } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { adaptBody, type IngestGate, receiveBody } from "../ingest/index.ts";
import type { IngestTimes } from "./events-post.ts";
import { refusals, TrailName } from "./schemas.ts";

const DESCRIPTION = `The webhook backend of a Kubernetes API server: \`EventList\` bodies of audit.k8s.io, plain or with \`content-encoding\`
gzip. The key is the bearer token of the webhook's kubeconfig and decides tenant, source and trail as for \`POST /v1/events\`. Answered
200 with \`{}\` when every event is durable; what cannot be read is then in quarantine. Anything else means: send the list again; events
that were stored are known by their audit id, stage and time. 429 and 503 come with Retry-After, which the API server waits for. API servers
drop the query of the address in their kubeconfig: there the cluster's name stands in the path.`;

/** Seconds after which the API server sends a list again that we failed to store. */
const RETRY_SECONDS = 1;

const Query = Type.Object(
  {
    cluster: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: "Name of the cluster: namespace of its users and scope of its resources.",
      }),
    ),
    source: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: "Source of the events. Default: the key's only one." }),
    ),
    trail: Type.Optional({ ...TrailName, description: "Trail to store in. Default: the key's." }),
    timeout: Type.Optional(Type.String({ maxLength: 32, description: "Sent by API servers; has no effect here." })),
  },
  { additionalProperties: false },
);

const ClusterPath = Type.Object({
  cluster: Type.String({ minLength: 1, maxLength: 256, description: "Name of the cluster, as in the query." }),
});

interface WebhookQuery {
  readonly cluster?: string;
  readonly source?: string;
  readonly trail?: string;
}

/** `POST /v1/receive/kubernetes` and `POST /v1/receive/kubernetes/:cluster`. */
export function registerKubernetesWebhook(app: App, context: ApiContext, gate: IngestGate, times: IngestTimes): void {
  void app.register(async (inner: App) => {
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
    // The API server's client waits and sends again on 429 and 5xx with Retry-After, and gives a list up otherwise.
    inner.addHook("onSend", async (_request, reply) => {
      if (reply.statusCode >= 500 && !reply.hasHeader("retry-after")) reply.header("retry-after", RETRY_SECONDS);
    });
    const schema = {
      tags: ["events"],
      summary: "Receive Kubernetes audit events",
      description: DESCRIPTION,
      querystring: Query,
      response: { 200: Type.Object({}, { description: "Every event is durable." }), ...refusals },
    };
    const documentedBody = {
      content: { "application/json": { schema: { type: "object", description: "EventList of audit.k8s.io/v1." } } },
    };
    const config = { access: access.append, documentedBody };
    const receive = async (request: FastifyRequest): Promise<Record<string, never>> => {
      const { cluster: asked, source, trail } = request.query as WebhookQuery;
      const cluster = (request.params as { readonly cluster?: string }).cluster ?? asked;
      const grant = grantOf(request);
      const { headers, raw } = request;
      checkType(headers["content-type"]);
      await receiveBody({
        context,
        gate,
        pace: times.body,
        request: raw,
        grant,
        trail: trailToWrite(context.ledger, grant, trail),
        receiver: "kubernetes",
        read: (bytes) =>
          adaptBody(bytes, {
            adapters: findAdapters("kubernetes"),
            options: cluster === undefined ? {} : { cluster },
            source,
            // A list that is sent again is the same list: what cannot be read of it is stored once too.
            idempotencyKey: "kubernetes-webhook",
            contentEncoding: headers["content-encoding"],
            limits: context.config.limits,
            nowMs: () => context.ledger.nowMs(),
          }),
      });
      return {};
    };
    inner.post("/v1/receive/kubernetes", { config, schema }, receive);
    inner.post("/v1/receive/kubernetes/:cluster", { config, schema: { ...schema, params: ClusterPath } }, receive);
  });
}

function checkType(contentType: string | undefined): void {
  if (/^application\/json\s*(?:;|$)/i.test(contentType ?? "")) return;
  throw new EvidentError("unsupported_media", `content type ${JSON.stringify((contentType ?? "").slice(0, 80))}`, {
    fix: "Send an EventList as application/json; API servers do.",
  });
}
