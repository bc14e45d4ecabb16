import { EvidentError } from "@evident/core";
import { Type } from "typebox";
import type { TrailInfo } from "../../ledger/index.ts";
import { type ApiContext, type App, allVisibleTrails, callerOf, grantOf, visibleTrail } from "../app/index.ts";
import { access, EVERY } from "../auth/index.ts";
import { refusals, TrailName, TrailParams } from "./schemas.ts";

const TrailSchema = Type.Object({
  name: Type.String(),
  tenant: Type.String({ description: "Whose events it holds; `*` for the system's." }),
  system: Type.Boolean({ description: "True for `evident` and `evident-reads`." }),
  origin: Type.String({ description: "Name of the log in its checkpoints." }),
  genesis: Type.Array(Type.String(), {
    description: "First verifier keys, Ed25519 and ML-DSA-44. Trust needs only these.",
  }),
  keys: Type.Array(Type.String(), { description: "Verifier keys that sign now." }),
  created: Type.String({ description: "RFC 3339 UTC." }),
  size: Type.Integer({ description: "Durable entries." }),
  publishedSize: Type.Integer({ description: "Entries under the signed checkpoint." }),
  sealedSize: Type.Integer({ description: "Entries in segment and tail files." }),
});

const NewTrail = Type.Object(
  {
    name: TrailName,
    tenant: Type.Optional(
      Type.String({
        description:
          "Tenant of the trail; only keys of the tenant `*` may name another than their own. Default: the key's tenant, or `default`.",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
      }),
    ),
  },
  { additionalProperties: false },
);

/** `GET/POST /v1/trails`, `GET /v1/trails/:trail`, rotation of its keys, sealing. */
export function registerTrails(app: App, context: ApiContext): void {
  const { ledger } = context;
  app.get(
    "/v1/trails",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["trails"],
        summary: "List the trails that the key sees",
        response: { 200: Type.Object({ trails: Type.Array(TrailSchema) }), ...refusals },
      },
    },
    async (request) => {
      const names = allVisibleTrails(ledger, grantOf(request));
      return { trails: ledger.trails().filter(({ name }) => names.includes(name)) };
    },
  );
  app.get(
    "/v1/trails/:trail",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["trails"],
        summary: "One trail",
        params: TrailParams,
        response: { 200: TrailSchema, ...refusals },
      },
    },
    async (request): Promise<TrailInfo> => visibleTrail(ledger, grantOf(request), request.params.trail),
  );
  app.post(
    "/v1/trails",
    {
      config: { access: access.operate },
      schema: {
        tags: ["trails"],
        summary: "Make a trail",
        description:
          "Makes its keys and its empty, signed checkpoint. The statement `trail.created` in `evident` names the key that asked.",
        body: NewTrail,
        response: { 201: TrailSchema, ...refusals },
      },
    },
    async (request, reply) => {
      const grant = grantOf(request);
      const tenant = request.body.tenant ?? (grant.tenant === EVERY ? "default" : grant.tenant);
      if (grant.tenant !== EVERY && tenant !== grant.tenant) {
        throw new EvidentError("forbidden", `a key of the tenant ${grant.tenant} may not make trails of another`);
      }
      if (!grant.trails.includes(EVERY) && !grant.trails.includes(request.body.name)) {
        throw new EvidentError("forbidden", "this key is limited to other trails");
      }
      const info = await ledger.createTrail({ name: request.body.name, tenant, by: grant.keyId });
      return reply.code(201).header("location", `/v1/trails/${info.name}`).send(info);
    },
  );
  registerTrailActs(app, context);
}

function registerTrailActs(app: App, context: ApiContext): void {
  const { ledger, readLog } = context;
  app.post(
    "/v1/trails/:trail/rotate",
    {
      config: { access: access.operate },
      schema: {
        tags: ["trails"],
        summary: "Rotate the trail's signing keys",
        description:
          "Signs one checkpoint with the old and the new keys and continues with the new; `signing_key.rotated` in `evident` names who asked.",
        params: TrailParams,
        response: { 200: TrailSchema, ...refusals },
      },
    },
    async (request) => {
      const grant = grantOf(request);
      return ledger.rotateKeys(actableTrail(context, request).name, grant.keyId);
    },
  );
  app.post(
    "/v1/trails/:trail/seal",
    {
      config: { access: access.operate },
      schema: {
        tags: ["trails"],
        summary: "Seal what is complete now",
        params: TrailParams,
        body: Type.Union([
          Type.Null(),
          Type.Object(
            { tail: Type.Optional(Type.Boolean({ description: "Also the unfinished bundle, as a tail file." })) },
            { additionalProperties: false },
          ),
        ]),
        response: { 200: TrailSchema, ...refusals },
      },
    },
    async (request) => {
      const { name } = actableTrail(context, request);
      const tail = request.body?.tail ?? false;
      await readLog.record(callerOf(request), {
        op: "CONFIGURE",
        name: "trail.seal",
        resources: [{ type: "trail", id: name }],
        detail: { tail },
      });
      await ledger.seal(name, { tail });
      return visibleTrail(ledger, grantOf(request), name);
    },
  );
}

/** Operators do not read system trails, but those of the tenant `*` rotate and seal them. */
function actableTrail(
  { ledger }: ApiContext,
  request: Parameters<typeof grantOf>[0] & { params: { trail: string } },
): TrailInfo {
  const grant = grantOf(request);
  const trail = ledger.trail(request.params.trail);
  if (trail?.system === true && grant.tenant === EVERY && grant.trails.includes(EVERY)) return trail;
  return visibleTrail(ledger, grant, request.params.trail);
}
