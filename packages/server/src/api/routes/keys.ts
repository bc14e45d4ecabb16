import { EvidentError } from "@evident/core";
import { type Static, Type } from "typebox";
import { type ApiContext, type App, callerOf, grantOf } from "../app/index.ts";
import { access, EVERY, type Grant, hashApiKey, type KeyRecord, keyCreated, makeApiKey, roles } from "../auth/index.ts";
import { FieldsError } from "../problems/index.ts";
import { refusals, TrailName } from "./schemas.ts";

const Name = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$" });
const MAX_LIST = 64;

const KeySchema = Type.Object({
  id: Type.String({ description: "The middle part of the key; no secret." }),
  role: Type.Enum([...roles]),
  tenant: Type.String(),
  sources: Type.Array(Type.String()),
  trails: Type.Array(Type.String()),
  defaultTrail: Type.Optional(Type.String()),
  expires: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  created: Type.String(),
  by: Type.String({ description: "Id of the key that made it." }),
  revoked: Type.Optional(Type.Object({ at: Type.String(), by: Type.String(), reason: Type.Optional(Type.String()) })),
});

const NewKeySchema = Type.Object(
  {
    role: Type.Enum([...roles], {
      description:
        "producer appends; reader searches and reads; auditor reads everything and changes nothing; operator makes, rotates and seals " +
        "trails and sees no events; admin may do everything.",
    }),
    name: Type.Optional(
      Type.String({ description: "For people.", minLength: 1, maxLength: 128, pattern: "^\\P{Cc}*$" }),
    ),
    tenant: Type.Optional(
      Type.String({
        description: "Default: the asking key's tenant, or `default`. `*` is every tenant.",
        pattern: "^(\\*|[A-Za-z0-9][A-Za-z0-9._-]{0,62})$",
      }),
    ),
    sources: Type.Optional(
      Type.Array(Type.Union([Name, Type.Literal(EVERY)]), {
        description:
          "Sources that a producer may speak for; a single one is filled in where an event names none; `*` allows any. Default: the key's name or id.",
        minItems: 1,
        maxItems: MAX_LIST,
      }),
    ),
    trails: Type.Optional(
      Type.Array(Type.Union([TrailName, Type.Literal(EVERY)]), {
        description: "Trails of the tenant that it may use. Default: all, `*`.",
        minItems: 1,
        maxItems: MAX_LIST,
      }),
    ),
    defaultTrail: Type.Optional(TrailName),
    expires: Type.Optional(
      Type.String({
        description: "RFC 3339 UTC time from which it is refused. Default: never.",
        pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$",
      }),
    ),
  },
  { additionalProperties: false },
);

function show({ hash: _, ...key }: KeyRecord): Static<typeof KeySchema> {
  return { ...key, sources: [...key.sources], trails: [...key.trails] };
}

/** Whether a key that is for this tenant and these trails reaches no further than the asking one. */
function isWithin(grant: Grant, { tenant, trails }: Pick<KeyRecord, "tenant" | "trails">): boolean {
  if (grant.tenant !== EVERY && grant.tenant !== tenant) return false;
  return grant.trails.includes(EVERY) || trails.every((name) => grant.trails.includes(name));
}

/** An administrator gives away no more than it has. */
function checkNewKey(
  context: ApiContext,
  grant: Grant,
  wanted: Static<typeof NewKeySchema>,
): Omit<KeyRecord, "id" | "hash" | "created" | "by"> {
  const tenant = wanted.tenant ?? (grant.tenant === EVERY ? "default" : grant.tenant);
  const trails = wanted.trails ?? [...grant.trails];
  if (!isWithin(grant, { tenant, trails })) {
    throw new EvidentError(
      "forbidden",
      "the new key would reach another tenant or other trails than the key that asks",
    );
  }
  const problems: FieldsError["fields"][number][] = [];
  if (wanted.expires !== undefined && !(Date.parse(wanted.expires) > context.ledger.nowMs())) {
    problems.push({ field: "expires", problem: "is not in the future", fix: "Give a later time." });
  }
  const { defaultTrail } = wanted;
  if (defaultTrail !== undefined && !trails.includes(EVERY) && !trails.includes(defaultTrail)) {
    problems.push({ field: "defaultTrail", problem: "is not among trails", fix: "Add it to trails." });
  }
  if (problems.length > 0)
    throw new FieldsError(problems.map(({ field, problem }) => `${field} ${problem}`).join("; "), problems);
  return {
    role: wanted.role,
    tenant,
    sources: wanted.sources ?? [],
    trails,
    ...(defaultTrail === undefined ? {} : { defaultTrail }),
    ...(wanted.expires === undefined ? {} : { expires: wanted.expires }),
    ...(wanted.name === undefined ? {} : { name: wanted.name }),
  };
}

/** A source made of the key's own name, so that what it sends can always be told from others'. */
function defaultSource(name: string | undefined, id: string): string {
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$/.test(name) ? name : `key-${id}`;
}

/** `GET/POST /v1/keys`, `DELETE /v1/keys/:id`. */
export function registerKeys(app: App, context: ApiContext): void {
  app.get(
    "/v1/keys",
    {
      config: { access: access.audit },
      schema: {
        tags: ["keys"],
        summary: "List keys, revoked ones too",
        response: { 200: Type.Object({ keys: Type.Array(KeySchema) }), ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      const keys = Object.values(context.keyState().keys).filter((key) => isWithin(caller.grant, key));
      const resources = [{ type: "api_keys", id: caller.grant.tenant }];
      await context.readLog.record(caller, { op: "LIST", name: "keys.list", resources, rows: keys.length });
      return { keys: keys.map(show) };
    },
  );
  app.post(
    "/v1/keys",
    {
      config: { access: access.administer },
      schema: {
        tags: ["keys"],
        summary: "Make a key",
        description:
          "The key is in this answer only; the store has its hash. `key.created` in `evident` names the key that asked.",
        body: NewKeySchema,
        response: {
          201: Type.Object({
            key: Type.String({ description: "The key itself: `evk_<id>_<secret>`." }),
            ...KeySchema.properties,
          }),
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const grant = grantOf(request);
      const checked = checkNewKey(context, grant, request.body);
      const key = makeApiKey();
      const sources = checked.sources.length > 0 ? checked.sources : [defaultSource(checked.name, key.id)];
      await context.ledger.appendStatement(
        keyCreated({ ...checked, id: key.id, sources, hash: hashApiKey(key), by: grant.keyId }),
      );
      const record = context.keyState().keys[key.id];
      if (record === undefined) throw new EvidentError("internal", "a key was stored and is not in the state");
      return reply
        .code(201)
        .header("cache-control", "no-store")
        .send({ key: key.text, ...show(record) });
    },
  );
  registerRevocation(app, context);
}

function registerRevocation(app: App, context: ApiContext): void {
  app.delete(
    "/v1/keys/:id",
    {
      config: { access: access.administer },
      schema: {
        tags: ["keys"],
        summary: "Revoke a key",
        description: "It is refused from now on, its open streams end. Revoking twice is the same as once.",
        params: Type.Object({ id: Type.String({ pattern: "^[0-9a-f]{16}$" }) }, { additionalProperties: false }),
        querystring: Type.Object(
          {
            reason: Type.Optional(
              Type.String({ description: "Stored with the revocation.", maxLength: 500, pattern: "^\\P{Cc}*$" }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: KeySchema, ...refusals },
      },
    },
    async (request) => {
      const grant = grantOf(request);
      const { id } = request.params;
      const find = (): KeyRecord => {
        const { keys } = context.keyState();
        const record = Object.hasOwn(keys, id) ? keys[id] : undefined;
        if (record !== undefined && isWithin(grant, record)) return record;
        throw new EvidentError("not_found", `there is no key ${id} that this key may manage`);
      };
      if (find().revoked === undefined) {
        const { reason } = request.query;
        await context.ledger.appendStatement({
          type: "key.revoked",
          id,
          by: grant.keyId,
          ...(reason === undefined ? {} : { reason }),
        });
      }
      return show(find());
    },
  );
}
