import { nearestName } from "../errors/index.ts";
/** How the values of a field are written and compared. `group`: holds other fields. `free`: any JSON below it. */
export type FieldType = "text" | "number" | "time" | "ip" | "group" | "free";

export interface KnownField {
  /** Canonical name: without the leading `event.`. */
  readonly name: string;
  readonly type: FieldType;
  /** The only values that can occur, for fields that have such a list. */
  readonly values?: readonly string[];
}

const ops =
  "READ LIST CREATE UPDATE WRITE DELETE EXECUTE AUTH LOGOUT GRANT REVOKE EXPORT CONFIGURE OTHER UNKNOWN".split(" ");
const actorTypes = "user service agent role system anonymous unknown".split(" ");

const actorRef = "type id ns name email groups session credential actingAs onBehalfOf".split(" ");

function text(names: string): KnownField[] {
  return names.split(" ").map((name) => ({ name, type: "text" }));
}

function typed(type: FieldType, names: string): KnownField[] {
  return names.split(" ").map((name) => ({ name, type }));
}

function oneOf(name: string, values: string): KnownField {
  return { name, type: "text", values: values.split(" ") };
}

/** Actors may act for other actors, so the same fields come again one level down. */
function actorFields(prefix: string): KnownField[] {
  return [
    { name: `${prefix}.type`, type: "text", values: actorTypes },
    ...actorRef.slice(1, 6).map((name): KnownField => ({ name: `${prefix}.${name}`, type: "text" })),
    ...typed("group", `${prefix}.session ${prefix}.credential`),
    ...text(`${prefix}.session.id ${prefix}.session.mfa ${prefix}.session.issuer`),
    ...typed("time", `${prefix}.session.created`),
    ...text(`${prefix}.credential.kind ${prefix}.credential.id`),
  ];
}

/** Every field that a search may name, except those below `detail`, `native`, `statement`, `summary` and `source.geo`. */
export const knownFields: readonly KnownField[] = [
  ...text("trail"),
  ...typed("number", "index"),
  oneOf("kind", "event summary statement quarantine"),
  ...typed("time", "time received time.occurred time.ended"),
  ...text("sent rules classes changed.field changed.how changed.rule blob.digest"),
  ...typed("number", "blob.sizeBytes quarantine.sizeBytes quarantine.line"),
  ...typed("group", "changed blob quarantine quarantine.reasons"),
  ...text("quarantine.why quarantine.id quarantine.source quarantine.adapter quarantine.tenant"),
  ...text("quarantine.reasons.field quarantine.reasons.problem quarantine.reasons.fix"),
  ...typed("free", "statement summary detail native source.geo"),
  ...text("id"),
  oneOf("time.precision", "s ms us ns"),
  oneOf("time.basis", "event received"),
  oneOf("time.tz", "stated assumed"),
  ...typed("group", "actor action resources outcome source impact trace origin"),
  ...actorFields("actor"),
  ...typed("group", "actor.actingAs actor.onBehalfOf"),
  ...actorFields("actor.actingAs"),
  ...actorFields("actor.onBehalfOf"),
  { name: "action.op", type: "text", values: ops },
  ...text("action.name"),
  oneOf("action.kind", "api http datastore auth iam file process tool other"),
  ...text("resources.type resources.id resources.name resources.uid resources.scope"),
  oneOf("resources.role", "target related affected"),
  oneOf("outcome.status", "success denied failure pending unknown"),
  ...text("outcome.code outcome.reason"),
  ...typed("ip", "source.ip source.via"),
  ...typed("number", "source.port"),
  oneOf("source.ipTrust", "peer forwarded client"),
  ...text("source.service source.host source.userAgent"),
  ...typed("number", "impact.rows impact.objects impact.bytesIn impact.bytesOut"),
  ...text("impact.fields impact.before impact.after impact.queryDigest impact.truncated"),
  ...text("trace.requestId trace.traceId trace.spanId trace.correlationId trace.parentId"),
  ...text("origin.tenant origin.source origin.system origin.adapter origin.nativeId origin.nativeVersion"),
  ...typed("number", "origin.seq"),
  ...text("origin.lossy origin.warnings labels"),
];

/** Short names of a search; the full name always works too. */
export const fieldAliases: Readonly<Record<string, string>> = {
  actor: "actor.id",
  user: "actor.id",
  email: "actor.email",
  session: "actor.session.id",
  op: "action.op",
  action: "action.name",
  resource: "resources.id",
  resources: "resources.id",
  outcome: "outcome.status",
  status: "outcome.status",
  code: "outcome.code",
  reason: "outcome.reason",
  ip: "source.ip",
  service: "source.service",
  host: "source.host",
  agent: "source.userAgent",
  request: "trace.requestId",
  requestId: "trace.requestId",
  traceId: "trace.traceId",
  tenant: "origin.tenant",
  source: "origin.source",
  system: "origin.system",
  adapter: "origin.adapter",
  warning: "origin.warnings",
  label: "labels",
  class: "classes",
  statement: "statement.type",
};

const byLowerName = new Map(knownFields.map((field) => [field.name.toLowerCase(), field]));
const aliasByLowerName = new Map(Object.entries(fieldAliases).map(([alias, name]) => [alias.toLowerCase(), name]));

/** Outcome of looking up a field name as a user wrote it. */
export type FieldLookup =
  | { readonly kind: "known"; readonly field: KnownField }
  | { readonly kind: "unknown"; readonly nearest: string | undefined };

/** The names a lookup may suggest. */
function* suggestions(): Iterable<string> {
  for (const field of knownFields) if (field.type !== "group") yield field.name;
  yield* Object.keys(fieldAliases);
}

function below(name: string): KnownField | undefined {
  const lower = name.toLowerCase();
  const parent = knownFields.find((field) => field.type === "free" && lower.startsWith(`${field.name.toLowerCase()}.`));
  return parent && { name: parent.name + name.slice(parent.name.length), type: "free" };
}

/** Resolves a written name: alias, full name with or without `event.`, in any case; below `detail` and the like anything. */
export function lookUpField(written: string): FieldLookup {
  const name = written.replace(/^event\./i, "").replace(/^resource\./i, "resources.");
  const alias = aliasByLowerName.get(name.toLowerCase());
  const field = byLowerName.get((alias ?? name).toLowerCase()) ?? below(alias ?? name);
  return field ? { kind: "known", field } : { kind: "unknown", nearest: nearestName(name, suggestions()) };
}

/** The fields directly in a group, for messages. */
export function fieldsIn(group: string): string[] {
  const inside = knownFields.filter((field) => field.type !== "group" && field.name.startsWith(`${group}.`));
  return inside.map((field) => field.name);
}
