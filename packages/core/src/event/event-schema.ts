import { type Static, type TSchema, Type } from "typebox";

const closed = { additionalProperties: false } as const;

/** Text that says something: absent means unknown, so empty text and "-" are refused. */
function text(description: string, maxLength = 1_024): ReturnType<typeof Type.String> {
  return Type.String({ minLength: 1, maxLength, pattern: "^(?!-$)", description });
}

function decimal(description: string): ReturnType<typeof Type.String> {
  return Type.String({ pattern: "^[0-9]{1,20}$", description });
}

function list<Item extends TSchema>(
  items: Item,
  description: string,
  maxItems = 1_000,
): ReturnType<typeof Type.Array<Item>> {
  return Type.Array(items, { minItems: 1, maxItems, description });
}

const Time = (description: string): ReturnType<typeof Type.String> =>
  Type.String({
    pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$",
    description: `${description} UTC, RFC 3339, nine fraction digits.`,
  });

/** Every operation that an event may state. */
export const operations = [
  "READ",
  "LIST",
  "CREATE",
  "UPDATE",
  "WRITE",
  "DELETE",
  "EXECUTE",
  "AUTH",
  "LOGOUT",
  "GRANT",
  "REVOKE",
  "EXPORT",
  "CONFIGURE",
  "OTHER",
  "UNKNOWN",
] as const;

const Operation = Type.Enum([...operations], {
  description: "Exact operation. SQL INSERT and HTTP POST are CREATE unless the table or route says otherwise.",
});

const ActorType = Type.Enum(["user", "service", "agent", "role", "system", "anonymous", "unknown"], {
  description: "What kind of party acted.",
});

const ActorRef = Type.Object(
  {
    type: ActorType,
    id: text("Exact, stable id; never a display name."),
    ns: text("Namespace in which the id is unique, for example an identity provider or account."),
    name: Type.Optional(text("Display name.")),
    email: Type.Optional(text("Email address.")),
  },
  { ...closed, description: "Reference to another party." },
);

const Session = Type.Object(
  {
    id: Type.Optional(text("Session id.")),
    created: Type.Optional(Time("When the session began.")),
    mfa: Type.Optional(Type.Boolean({ description: "Whether a second factor was used." })),
    issuer: Type.Optional(text("Who issued the session.")),
  },
  { ...closed, description: "Session in which the actor acted." },
);

const Actor = Type.Object(
  {
    type: ActorType,
    id: text("Exact, stable id; never a display name."),
    ns: text("Namespace in which the id is unique, for example an identity provider or account."),
    name: Type.Optional(text("Display name.")),
    email: Type.Optional(text("Email address.")),
    groups: Type.Optional(list(text("Group."), "Groups the actor belonged to.")),
    session: Type.Optional(Session),
    credential: Type.Optional(
      Type.Object(
        { kind: text("Kind of credential, for example access_key."), id: text("Its public id; never the secret.") },
        { ...closed, description: "Credential that was used." },
      ),
    ),
    actingAs: Type.Optional(ActorRef),
    onBehalfOf: Type.Optional(list(ActorRef, "Parties for whom the actor acted, nearest first.", 32)),
  },
  { ...closed, description: "Who acted." },
);

const Action = Type.Object(
  {
    op: Operation,
    name: text("Name of the operation as the source gives it."),
    kind: Type.Enum(["api", "http", "datastore", "auth", "iam", "file", "process", "tool", "other"], {
      description: "Kind of interface.",
    }),
  },
  { ...closed, description: "What was done." },
);

const Resource = Type.Object(
  {
    type: text("Type of resource, for example pg.table."),
    id: text("Exact id of the resource.", 4_096),
    name: Type.Optional(text("Display name.")),
    uid: Type.Optional(text("Id that survives renaming and re-creation.")),
    scope: Type.Optional(
      list(text("Container.", 4_096), "What contains the resource: account, region, database, host.", 32),
    ),
    role: Type.Optional(
      Type.Enum(["target", "related", "affected"], { description: "Part the resource played; target when absent." }),
    ),
  },
  { ...closed, description: "Resource that was accessed." },
);

const Outcome = Type.Object(
  {
    status: Type.Enum(["success", "denied", "failure", "pending", "unknown"], { description: "How it ended." }),
    code: Type.Optional(text("Code of the outcome, for example an HTTP status or SQLSTATE.")),
    reason: Type.Optional(text("Why, in the source's words.", 4_096)),
  },
  { ...closed, description: "With what outcome." },
);

const Geo = Type.Object(
  {
    country: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2 code." })),
    region: Type.Optional(text("Region.")),
    city: Type.Optional(text("City.")),
    lat: Type.Optional(Type.Number({ minimum: -90, maximum: 90, description: "Degrees." })),
    lon: Type.Optional(Type.Number({ minimum: -180, maximum: 180, description: "Degrees." })),
    asn: Type.Optional(decimal("Autonomous system number.")),
    org: Type.Optional(text("Network owner.")),
  },
  { ...closed, description: "Where the address is." },
);

const Source = Type.Object(
  {
    ip: Type.Optional(
      Type.String({
        minLength: 2,
        maxLength: 45,
        pattern: "^(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$",
        description: "IPv4 or IPv6 address.",
      }),
    ),
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: "Port at the source." })),
    ipTrust: Type.Optional(
      Type.Enum(["peer", "forwarded", "client"], {
        description: "How the address is known: network peer, trusted proxy, or the client's word.",
      }),
    ),
    via: Type.Optional(list(text("Address."), "Untrusted forwarding chain.", 64)),
    service: Type.Optional(text("Calling service when it is no address.")),
    host: Type.Optional(text("Host name.")),
    userAgent: Type.Optional(text("User agent.", 4_096)),
    geo: Type.Optional(Geo),
  },
  { ...closed, description: "From where." },
);

const Impact = Type.Object(
  {
    rows: Type.Optional(decimal("Rows read or changed.")),
    objects: Type.Optional(decimal("Objects read or changed.")),
    bytesIn: Type.Optional(decimal("Bytes received.")),
    bytesOut: Type.Optional(decimal("Bytes sent.")),
    fields: Type.Optional(list(text("Field."), "Fields read or changed.")),
    before: Type.Optional(text("Keyed digest of the value before.")),
    after: Type.Optional(text("Keyed digest of the value after.")),
    queryDigest: Type.Optional(text("Keyed digest of the query.")),
    truncated: Type.Optional(Type.Boolean({ description: "Whether the source cut something off." })),
  },
  { ...closed, description: "With what scope." },
);

const Trace = Type.Object(
  {
    requestId: Type.Optional(text("Request id.")),
    traceId: Type.Optional(text("Trace id.")),
    spanId: Type.Optional(text("Span id.")),
    correlationId: Type.Optional(text("Id shared by events of one operation.")),
    parentId: Type.Optional(text("Id of the event that caused this one.")),
  },
  { ...closed, description: "Links to other records." },
);

const Origin = Type.Object(
  {
    tenant: text("Who the event belongs to; the API key decides.", 128),
    source: text("Named sender; the API key decides.", 128),
    system: text("System that was accessed.", 256),
    adapter: text("What made the event from the native record.", 128),
    nativeId: Type.Optional(text("Id of the native record.")),
    nativeVersion: Type.Optional(text("Version of the native format.")),
    seq: Type.Optional(decimal("Sequence number of the sender.")),
    lossy: Type.Optional(Type.Boolean({ description: "Whether the sender may have lost records before this one." })),
    warnings: Type.Optional(list(text("Warning."), "What had to be assumed.", 64)),
  },
  { ...closed, description: "How the event came." },
);

/** One access event as a producer sends it: DESIGN §4. Members in this order are the canonical order. */
export const AccessEventSchema = Type.Object(
  {
    v: Type.Literal(1, { description: "Version of this schema." }),
    id: text("The producer's id (UUIDv7), or one derived from the native record.", 256),
    time: Type.Object(
      {
        occurred: Time("When it happened."),
        ended: Type.Optional(Time("When it ended.")),
        precision: Type.Enum(["s", "ms", "us", "ns"], { description: "Precision of the source's clock." }),
        basis: Type.Enum(["event", "received"], {
          description: "Whether the source stated the time, or only our receipt is known.",
        }),
        tz: Type.Optional(Type.Enum(["stated", "assumed"], { description: "Whether the source stated its zone." })),
      },
      { ...closed, description: "When." },
    ),
    actor: Actor,
    action: Action,
    resources: Type.Array(Resource, { minItems: 1, maxItems: 1_000, description: "To which resources; at least one." }),
    outcome: Outcome,
    source: Source,
    impact: Type.Optional(Impact),
    trace: Type.Optional(Trace),
    origin: Origin,
    labels: Type.Optional(list(text("Label.", 128), "For example phi, pii, cardholder, privileged, break-glass.", 64)),
    detail: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: "Further facts, bounded." })),
    native: Type.Optional(Type.Unknown({ description: "The source's own record." })),
  },
  { ...closed, $id: "https://evident.invalid/schema/event.json", title: "Access event" },
);

/** One access: who did what to which resource, with what scope and outcome, from where, when. */
export type AccessEvent = DeepReadonly<Static<typeof AccessEventSchema>>;
export type Op = AccessEvent["action"]["op"];
export type ActorRef = DeepReadonly<Static<typeof ActorRef>>;

export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The published JSON Schema of an event: plain JSON, for validators in other languages. */
export function eventJsonSchema(): Record<string, unknown> {
  const schema = JSON.parse(JSON.stringify(AccessEventSchema)) as Record<string, unknown>;
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...schema };
}
