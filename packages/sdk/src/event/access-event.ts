/** Exact operation. */
export type Op =
  | "READ"
  | "LIST"
  | "CREATE"
  | "UPDATE"
  | "WRITE"
  | "DELETE"
  | "EXECUTE"
  | "AUTH"
  | "LOGOUT"
  | "GRANT"
  | "REVOKE"
  | "EXPORT"
  | "CONFIGURE"
  | "OTHER"
  | "UNKNOWN";

/** What kind of party acted. */
export type ActorType = "user" | "service" | "agent" | "role" | "system" | "anonymous" | "unknown";

/** Kind of interface. */
export type ActionKind = "api" | "http" | "datastore" | "auth" | "iam" | "file" | "process" | "tool" | "other";

/** A reference to another party. `ns` is the namespace in which `id` is unique. */
export interface ActorRef {
  readonly type: ActorType;
  readonly id: string;
  readonly ns: string;
  readonly name?: string;
  readonly email?: string;
}

/** Who acted. `id` is exact and stable, never a display name; `ns` is the namespace in which it is unique. */
export interface Actor extends ActorRef {
  readonly groups?: readonly string[];
  readonly session?: {
    readonly id?: string;
    readonly created?: string;
    readonly mfa?: boolean;
    readonly issuer?: string;
  };
  /** Its public id, never the secret. */
  readonly credential?: { readonly kind: string; readonly id: string };
  readonly actingAs?: ActorRef;
  readonly onBehalfOf?: readonly ActorRef[];
}

/** What was done. */
export interface Action {
  readonly op: Op;
  readonly name: string;
  readonly kind: ActionKind;
}

/** To what it was done. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly name?: string;
  readonly uid?: string;
  /** What contains it, outermost first. */
  readonly scope?: readonly string[];
  readonly role?: "target" | "related" | "affected";
}

/** How it ended. */
export interface Outcome {
  readonly status: "success" | "denied" | "failure" | "pending" | "unknown";
  readonly code?: string;
  readonly reason?: string;
}

/** Where an address is. */
export interface Geo {
  readonly country?: string;
  readonly region?: string;
  readonly city?: string;
  readonly lat?: number;
  readonly lon?: number;
  readonly asn?: string;
  readonly org?: string;
}

/** From where. `ipTrust` says how `ip` is known; `via` is the forwarding chain that nobody vouches for. */
export interface Source {
  readonly ip?: string;
  readonly port?: number;
  readonly ipTrust?: "peer" | "forwarded" | "client";
  readonly via?: readonly string[];
  readonly service?: string;
  readonly host?: string;
  readonly userAgent?: string;
  readonly geo?: Geo;
}

/** With what scope. Counts are decimal text; digests are keyed. */
export interface Impact {
  readonly rows?: string;
  readonly objects?: string;
  readonly bytesIn?: string;
  readonly bytesOut?: string;
  readonly fields?: readonly string[];
  readonly before?: string;
  readonly after?: string;
  readonly queryDigest?: string;
  readonly truncated?: boolean;
}

/** Links to other records. */
export interface Trace {
  readonly requestId?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly correlationId?: string;
  readonly parentId?: string;
}

/**
 * One access as it is sent: the shape that a server publishes at `/schema/event.json`. Times are UTC, RFC 3339, nine fraction digits.
 * `origin.tenant` and `origin.source` may be missing: the server fills them in from the API key.
 */
export interface AccessEvent {
  readonly v: 1;
  readonly id: string;
  readonly time: {
    readonly occurred: string;
    readonly ended?: string;
    readonly precision: "s" | "ms" | "us" | "ns";
    readonly basis: "event" | "received";
    readonly tz?: "stated" | "assumed";
  };
  readonly actor: Actor;
  readonly action: Action;
  readonly resources: readonly Resource[];
  readonly outcome: Outcome;
  readonly source: Source;
  readonly impact?: Impact;
  readonly trace?: Trace;
  readonly origin: {
    readonly tenant?: string;
    readonly source?: string;
    readonly system: string;
    readonly adapter: string;
    readonly nativeId?: string;
    readonly nativeVersion?: string;
    readonly seq?: string;
    readonly lossy?: boolean;
    readonly warnings?: readonly string[];
  };
  readonly labels?: readonly string[];
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly native?: unknown;
}

/**
 * What an application gives to `record`; the SDK adds version, id, times, sequence number and origin.
 *
 * `id`: give one only where the same access may be recorded twice and must be stored once. `time`: a Date, or RFC 3339 in UTC with nine
 * fraction digits; now when absent. Members that are `undefined`, `null`, `""` or `"-"` are left out, outside `detail` and `native`.
 */
export interface EventDraft {
  readonly id?: string | undefined;
  readonly time?:
    | { readonly occurred?: Date | string | undefined; readonly ended?: Date | string | undefined }
    | undefined;
  readonly actor: Actor;
  readonly action: Action;
  readonly resources: readonly [Resource, ...Resource[]];
  readonly outcome: Outcome;
  readonly source?: Source | undefined;
  readonly impact?: Impact | undefined;
  readonly trace?: Trace | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
  readonly native?: unknown;
  /** What had to be assumed. */
  readonly warnings?: readonly string[] | undefined;
}
