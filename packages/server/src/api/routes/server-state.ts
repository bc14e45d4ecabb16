import { EvidentError, errors } from "@evident/core";
import { Type } from "typebox";
import { type ApiContext, type App, grantOf } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { indexLag } from "../metrics/index.ts";
import { answerOf, refusals } from "./schemas.ts";

const READY_LAG_ENTRIES = 1_000_000;

const ClockSchema = Type.Object({
  kind: Type.Enum(["steady", "holding"]),
  wall: Type.Optional(Type.String()),
  received: Type.Optional(Type.String()),
  deltaMs: Type.Optional(Type.Number()),
});

function renderErrorPage(): string {
  const rows = Object.entries(errors)
    .map(
      ([code, { status, fix }]) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${fix.replaceAll("<", "&lt;")}</td></tr>`,
    )
    .join("\n");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evident: errors</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}td,th{padding:.4rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid #ccc}tr:target{background:#fff3c4}</style>
</head><body><h1>Errors</h1><p>Every answer that is not a success is a problem document (RFC 9457) with one of these codes.</p>
<table><thead><tr><th>code</th><th>status</th><th>what to do</th></tr></thead><tbody>
${rows}
</tbody></table></body></html>
`;
}

/** `/healthz`, `/readyz`, `/metrics`, `/errors` and the start page. */
export function registerServerState(app: App, context: ApiContext): void {
  const { ledger, search, metrics } = context;
  app.get("/", { config: { access: access.public }, schema: { hide: true } }, (_, reply) =>
    reply.redirect("/reference"),
  );
  const errorPage = renderErrorPage();
  app.get("/errors", { config: { access: access.public }, schema: { hide: true } }, (_, reply) =>
    reply.type("text/html; charset=utf-8").send(errorPage),
  );
  const open = { access: access.public, rateLimit: false } as const;
  app.get(
    "/healthz",
    {
      config: open,
      schema: {
        tags: ["server"],
        summary: "The process answers",
        security: [],
        response: { 200: Type.Object({ status: Type.Literal("ok") }) },
      },
    },
    () => ({ status: "ok" }),
  );
  app.get(
    "/readyz",
    {
      config: open,
      schema: {
        tags: ["server"],
        summary: "It can take and find events",
        description: `503 while the server stops, the disk is full, or the index is more than ${READY_LAG_ENTRIES} entries behind.`,
        security: [],
        response: { 200: Type.Object({ status: Type.Literal("ready"), indexLag: Type.Integer() }), ...refusals },
      },
    },
    () => {
      if (context.stopping.aborted) throw new EvidentError("not_ready", "the server is stopping");
      if (ledger.pressure().kind === "full") throw new EvidentError("not_ready", "the disk is full");
      const lag = indexLag(ledger, search);
      if (lag > READY_LAG_ENTRIES) throw new EvidentError("not_ready", `the index is ${lag} entries behind`);
      return { status: "ready", indexLag: lag };
    },
  );
  app.get(
    "/metrics",
    {
      config: { access: access.metrics, rateLimit: false },
      schema: {
        tags: ["server"],
        summary: "Prometheus metrics",
        description:
          "For keys of the tenant `*`, and without a key for direct connections from this machine when `behindProxy` is empty.",
        response: { 200: answerOf("Text format.", "text/plain"), ...refusals },
      },
    },
    async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
  registerClock(app, context);
}

function registerClock(app: App, { ledger, search, metrics, version }: ApiContext): void {
  app.get(
    "/v1/status",
    {
      config: { access: access.inspectServer },
      schema: {
        tags: ["server"],
        summary: "Clock, disk, log and index",
        querystring: Type.Object(
          {
            reconcile: Type.Enum(["counts", "full"], {
              description: "full: recompute the hash over every indexed entry.",
              default: "counts",
            }),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            version: Type.String(),
            clock: ClockSchema,
            pressure: Type.Object({ kind: Type.Enum(["ready", "busy", "full"]) }, { additionalProperties: true }),
            counters: Type.Record(Type.String(), Type.Number()),
            indexLag: Type.Integer(),
            reconciliation: Type.Object({ agrees: Type.Boolean() }, { additionalProperties: true }),
          }),
          ...refusals,
        },
      },
    },
    async (request) => ({
      version,
      clock: ledger.clock(),
      pressure: ledger.pressure(),
      counters: ledger.counters(),
      indexLag: indexLag(ledger, search),
      reconciliation: await (request.query.reconcile === "full"
        ? search.reconcile({ full: true })
        : metrics.reconciled()),
    }),
  );
  app.post(
    "/v1/clock/confirm",
    {
      config: { access: access.operateServer },
      schema: {
        tags: ["server"],
        summary: "Confirm the wall clock after it stepped",
        description:
          "`received` follows it again, never backwards; `clock.confirmed` in `evident` names the key that asked.",
        response: { 200: ClockSchema, ...refusals },
      },
    },
    async (request) => {
      await ledger.confirmClock(grantOf(request).keyId);
      return ledger.clock();
    },
  );
}
