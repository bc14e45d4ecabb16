import { Type } from "typebox";
import { Compile } from "typebox/compile";

const Text = Type.String({ minLength: 1, maxLength: 4096 });
const TrailName = Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" });
const HashText = Type.String({ pattern: "^[A-Za-z0-9+/]{43}=$" });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Keys = Type.Array(Text, { minItems: 1, maxItems: 8 });
const Head = Type.Object({ trail: TrailName, origin: Text, size: Count, root: HashText });
const Names = Type.Array(Text);

/**
 * Bodies of the statements in trail `evident`, by `type`. Members that a later version adds are allowed; those here keep their meaning.
 * Hashes are base64, keys are verifier keys of C2SP signed-note.
 */
export const statementSchemas = {
  "store.created": Type.Object({ type: Type.Literal("store.created"), store: Text }),
  "server.started": Type.Object({
    type: Type.Literal("server.started"),
    version: Text,
    node: Text,
    epoch: Count,
    recovered: Type.Optional(Type.Unknown()),
  }),
  "server.stopped": Type.Object({ type: Type.Literal("server.stopped"), epoch: Count }),
  "trail.created": Type.Object({
    type: Type.Literal("trail.created"),
    trail: TrailName,
    origin: Text,
    tenant: Text,
    /** Genesis keys: Ed25519, then ML-DSA-44. */
    keys: Keys,
    by: Text,
  }),
  "signing_key.created": Type.Object({
    type: Type.Literal("signing_key.created"),
    use: Type.Union([Type.Literal("wal"), Type.Literal("statement")]),
    key: Text,
  }),
  "signing_key.rotated": Type.Object({
    type: Type.Literal("signing_key.rotated"),
    trail: TrailName,
    /** Size of the checkpoint that both key sets signed. */
    size: Count,
    keys: Keys,
    previous: Keys,
    by: Text,
  }),
  "key.created": Type.Object({
    type: Type.Literal("key.created"),
    id: Text,
    role: Text,
    tenant: Text,
    sources: Names,
    trails: Names,
    defaultTrail: Type.Optional(Text),
    expires: Type.Optional(Text),
    hash: Text,
    name: Type.Optional(Text),
    by: Text,
  }),
  "key.revoked": Type.Object({
    type: Type.Literal("key.revoked"),
    id: Text,
    by: Text,
    reason: Type.Optional(Type.String()),
  }),
  "checkpoint.recorded": Type.Object({
    type: Type.Literal("checkpoint.recorded"),
    reason: Type.Union([
      Type.Literal("interval"),
      Type.Literal("seal"),
      Type.Literal("rotation"),
      Type.Literal("stop"),
    ]),
    heads: Type.Array(Head),
  }),
  "segment.sealed": Type.Object({
    type: Type.Literal("segment.sealed"),
    trail: TrailName,
    first: Count,
    count: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    /** Name below the trail's directory. */
    file: Text,
    sizeBytes: Count,
    sha256: HashText,
  }),
  "tail.sealed": Type.Object({
    type: Type.Literal("tail.sealed"),
    trail: TrailName,
    first: Count,
    /** End of the entries in the file, exclusive. */
    size: Count,
    file: Text,
    sizeBytes: Count,
    sha256: HashText,
  }),
  "clock.stepped": Type.Object({
    type: Type.Literal("clock.stepped"),
    from: Text,
    to: Text,
    deltaMs: Type.Number(),
  }),
  "s3.objects_read": Type.Object({
    type: Type.Literal("s3.objects_read"),
    receiver: Text,
    before: Text,
    objects: Type.Array(
      Type.Object({
        key: Text,
        etag: Text,
        modified: Text,
        stored: Count,
        duplicates: Count,
        quarantined: Count,
        skipped: Count,
        failed: Type.Optional(Text),
      }),
    ),
  }),
  "clock.confirmed": Type.Object({ type: Type.Literal("clock.confirmed"), by: Text }),
} as const;

type Schemas = typeof statementSchemas;

/** A statement's `type`. */
export type StatementType = keyof Schemas;

/** Body of a statement of one type, or of any known type. */
export type Statement<T extends StatementType = StatementType> = { [K in T]: Type.Static<Schemas[K]> }[T];

/** What an entry's `statement` member turned out to be. `other`: of a type that this version does not know. */
export type ReadStatement =
  | { readonly kind: "known"; readonly statement: Statement }
  | { readonly kind: "other"; readonly type: string }
  | { readonly kind: "malformed"; readonly detail: string };

const validators = new Map<string, ReturnType<typeof Compile>>();

function validatorOf(type: string): ReturnType<typeof Compile> | undefined {
  const known = validators.get(type);
  if (known !== undefined || !Object.hasOwn(statementSchemas, type)) return known;
  const validator = Compile(statementSchemas[type as StatementType]);
  validators.set(type, validator);
  return validator;
}

/** Reads the `statement` member of an entry. */
export function readStatement(value: unknown): ReadStatement {
  const type: unknown = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  if (typeof type !== "string") return { kind: "malformed", detail: "a statement needs a type" };
  const validator = validatorOf(type);
  if (validator === undefined) return { kind: "other", type };
  if (validator.Check(value)) return { kind: "known", statement: value as Statement };
  const [error] = validator.Errors(value);
  return { kind: "malformed", detail: `${type}: ${error?.instancePath ?? ""} ${error?.message ?? "does not fit"}` };
}
