import { toHex, utf8 } from "../../encoding/index.ts";
import { type AccessEvent, type Entry, timeMs } from "../../event/index.ts";
import { parseEntry } from "../../predicate/index.ts";
import { hashLeaf } from "../../tree/index.ts";
import type { ExportedEntry } from "../exported-entry.ts";
import { classMembers } from "./ocsf-class-members.ts";
import { type OcsfActivity, ocsfActivity, ocsfClasses } from "./ocsf-classes.ts";
import { addressesOf, exactInteger, type Members, unlessEmpty } from "./ocsf-objects.ts";

/** The version of the schema that every exported event states. */
const OCSF_VERSION = "1.8.0";

const statuses: Readonly<Record<AccessEvent["outcome"]["status"], readonly [id: number, name: string]>> = {
  success: [1, "Success"],
  denied: [2, "Failure"],
  failure: [2, "Failure"],
  pending: [99, "pending"],
  unknown: [0, "Unknown"],
};

/** Who makes what an adapter reads; of a system of one's own it is the tenant. */
const vendors: readonly (readonly [adapter: RegExp, vendor: string])[] = [
  [/^(?:aws|cloudtrail|s3)\b/i, "AWS"],
  [/^(?:k8s|kubernetes)\b/i, "Kubernetes"],
  [/^(?:gcp|google)\b/i, "Google"],
  [/^(?:azure|entra|microsoft)\b/i, "Microsoft"],
  [/^okta\b/i, "Okta"],
  [/^github\b/i, "GitHub"],
  [/^teleport\b/i, "Teleport"],
  [/^nginx\b/i, "F5"],
  [/^apache\b/i, "Apache"],
  [/^(?:pgaudit|postgres)/i, "PostgreSQL"],
];

function vendorOf({ origin }: AccessEvent): string {
  return vendors.find(([adapter]) => adapter.test(origin.adapter))?.[1] ?? origin.tenant;
}

function classification({ of, id, name }: OcsfActivity): Members {
  const { uid, name: className, category, categoryName } = ocsfClasses[of];
  return {
    class_uid: uid,
    class_name: className,
    category_uid: category,
    category_name: categoryName,
    activity_id: id,
    activity_name: name,
    type_uid: uid * 100 + id,
    type_name: `${className}: ${name}`,
    severity_id: 1,
    severity: "Informational",
  };
}

/** What only we know of an entry: its place in the log, and the proof of it. */
function evidenceOf({ trail, index, line, receipt }: ExportedEntry, entry: Entry): Members {
  return {
    trail,
    index,
    kind: entry.kind,
    received: entry.received,
    sent: entry.sent,
    rules: entry.rules,
    classes: entry.classes,
    changed: entry.changed,
    blob: entry.blob,
    leaf_hash: toHex(hashLeaf(utf8(line))),
    receipt,
  };
}

/** What of an event has no place in its class, in our names, so that nothing is lost. */
function restOf(event: AccessEvent, members: Members): Members {
  const { time, actor, action, source, impact, trace, origin, detail, native, resources } = event;
  const strangers = source.via?.filter((each) => addressesOf([each]) === undefined);
  return {
    time: unlessEmpty({ precision: time.precision, basis: time.basis, tz: time.tz, ended: time.ended }),
    actor: unlessEmpty({
      ns: actor.type === "role" ? actor.ns : undefined,
      email: actor.type === "role" ? actor.email : undefined,
      groups: actor.type === "role" ? actor.groups : undefined,
      credential_kind: actor.credential?.kind,
      acting_as: actor.actingAs,
      on_behalf_of: actor.onBehalfOf,
    }),
    action: { op: action.op, kind: action.kind },
    resources: "resources" in members ? undefined : resources,
    source: unlessEmpty({
      ip_trust: source.ipTrust,
      via: strangers === undefined || strangers.length === 0 ? undefined : strangers,
      user_agent: "http_request" in members ? undefined : source.userAgent,
    }),
    impact,
    trace,
    origin: unlessEmpty({ seq: origin.seq, lossy: origin.lossy, warnings: origin.warnings, adapter: origin.adapter }),
    detail,
    native,
  };
}

function metadataOf(trail: string, entry: Entry, event: AccessEvent | undefined, profiles: readonly string[]): Members {
  const origin = event?.origin;
  return {
    version: OCSF_VERSION,
    uid: event?.id,
    product:
      event === undefined
        ? { name: "Evident", vendor_name: "Evident" }
        : { name: event.origin.system, vendor_name: vendorOf(event) },
    profiles: profiles.length === 0 ? undefined : profiles,
    event_code: event?.action.name,
    original_time: event?.time.occurred,
    original_event_uid: origin?.nativeId,
    logged_time: timeMs(entry.received),
    log_name: trail,
    log_provider: origin?.source,
    log_version: origin?.nativeVersion,
    tenant_uid: origin?.tenant,
    correlation_uid: event?.trace?.correlationId,
    sequence: exactInteger(origin?.seq),
    labels: event?.labels,
  };
}

const denial = { action_id: 2, action: "Denied", disposition_id: 26, disposition: "Unauthorized" } as const;

/** Profiles whose attributes an event uses. */
function profilesOf({ of }: OcsfActivity, event: AccessEvent): readonly string[] {
  return [
    ...(event.outcome.status === "denied" ? ["security_control"] : []),
    ...(of === "http" || of === "web" ? ["host"] : []),
    ...(hasTrace(of, event) ? ["trace"] : []),
  ];
}

function hasTrace(of: OcsfActivity["of"], { trace }: AccessEvent): boolean {
  return trace?.traceId !== undefined && (of === "api" || of === "http");
}

function eventMembers(exported: ExportedEntry, entry: Entry, event: AccessEvent): Members {
  const activity = ocsfActivity(event);
  const [statusId, status] = statuses[event.outcome.status];
  const members = classMembers(activity.of, event);
  const { ended } = event.time;
  return {
    ...classification(activity),
    time: timeMs(event.time.occurred),
    ...(ended === undefined ? {} : { start_time: timeMs(event.time.occurred), end_time: timeMs(ended) }),
    status_id: statusId,
    status,
    status_code: event.outcome.code,
    status_detail: event.outcome.reason,
    ...(event.outcome.status === "denied" ? denial : {}),
    metadata: metadataOf(exported.trail, entry, event, profilesOf(activity, event)),
    ...members,
    ...(hasTrace(activity.of, event) ? { trace: { uid: event.trace?.traceId } } : {}),
    raw_data_size: utf8(exported.line).length,
    unmapped: { evident: evidenceOf(exported, entry), ...restOf(event, members) },
  };
}

/** An entry without an event (a record in quarantine, a statement of the system) is a Base Event with its body in `unmapped`. */
function baseMembers(exported: ExportedEntry, entry: Entry): Members {
  const { kind } = entry;
  const body =
    kind === "event"
      ? entry.event
      : kind === "quarantine"
        ? entry.quarantine
        : kind === "statement"
          ? entry.statement
          : entry.summary;
  const message =
    kind === "quarantine"
      ? `quarantine: ${entry.quarantine.why}`
      : kind === "statement"
        ? `statement: ${entry.statement.type}`
        : kind;
  return {
    ...classification({ of: "base", id: 99, name: kind }),
    time: timeMs(entry.received),
    message,
    metadata: metadataOf(exported.trail, entry, undefined, []),
    raw_data_size: utf8(exported.line).length,
    unmapped: { evident: evidenceOf(exported, entry), [kind]: body },
  };
}

/**
 * An entry as one line of OCSF 1.8 JSON, without its line end. The receipt stands base64 in `unmapped.evident.receipt`; what has no place in
 * the class stands in `unmapped`, with its numbers as they were sent.
 */
export function formatOcsfEvent(exported: ExportedEntry): string {
  const entry = parseEntry(exported.line) as unknown as Entry;
  return JSON.stringify(
    entry.kind === "event" ? eventMembers(exported, entry, entry.event) : baseMembers(exported, entry),
  );
}
