import { Type } from "typebox";
import {
  defineJsonAdapter,
  isObject,
  type JsonObject,
  MASK,
  type Made,
  made,
  maskMembers,
  maskText,
  maskUrl,
  type NativeEvent,
  objectAt,
  readEpoch,
  skipped,
  textAt,
  unreadable,
} from "../adapt/index.ts";
import { flattenOtlp, flattenRecord, type OtlpRecord } from "./flatten-otlp.ts";
import { otelAccess } from "./otel-access.ts";
import {
  attribute,
  listAttribute,
  type OtelAttributes,
  otelActor,
  otelImpact,
  otelOutcome,
  otelScope,
  otelSource,
  serviceName,
} from "./otel-fields.ts";

/** Attributes whose values are secrets or addresses that may carry them. */
function maskAttributes(own: JsonObject): JsonObject {
  const masked = Object.entries(own).map(([name, value]) => {
    if (/^(?:db\.query\.parameter|db\.operation\.parameter)\./.test(name)) return [name, MASK];
    if (
      /^http\.(?:request|response)\.header\.(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key)$/i.test(
        name,
      )
    )
      return [name, MASK];
    if (/^process\.command_(?:line|args)$/.test(name)) return [name, maskBody(value)];
    if (typeof value === "string" && (name === "url.query" || name === "http.target")) return [name, maskUrl(value)];
    return [name, value];
  });
  return Object.fromEntries(masked) as JsonObject;
}

/** The free text of a record, and lists of texts, without passwords and tokens. */
function maskBody(body: unknown): unknown {
  if (typeof body === "string") return maskText(body);
  return Array.isArray(body) ? body.map(maskBody) : maskMembers(body);
}

function readTime(logRecord: JsonObject, nowMs: number, warnings: string[]): NativeEvent["time"] {
  const stated = readEpoch(textAt(logRecord, "timeUnixNano"), "ns");
  if (stated !== undefined) return { ...stated, basis: "event" };
  warnings.push("time:received");
  const observed = readEpoch(textAt(logRecord, "observedTimeUnixNano"), "ns") ?? readEpoch(Math.floor(nowMs), "ms");
  return { occurred: observed?.occurred ?? "", precision: observed?.precision ?? "ms", basis: "received" };
}

interface OtelOptions {
  readonly realm?: string;
}

function readRecord({ resource, scope, logRecord }: OtlpRecord, { realm }: OtelOptions, nowMs: number): Made {
  if (!isObject(logRecord)) return unreadable("logRecord", "is no object", "Send OTLP log records.");
  const raw = objectAt(logRecord, "attributes") ?? {};
  const own = maskMembers(maskAttributes(raw));
  const around: OtelAttributes = { own, resource: objectAt(resource, "attributes") ?? {} };
  const warnings: string[] = [];
  const eventName = textAt(logRecord, "eventName") ?? attribute(own, "event.name");
  const access = otelAccess(own, eventName, otelScope(around), warnings);
  if (access === undefined) return skipped("no access: no access.*, HTTP, database, RPC or tool attributes");
  const uid = attribute(own, "log.record.uid");
  const service = serviceName(around.resource);
  if (service === undefined) warnings.push("system:default");
  return made({
    ...access,
    time: readTime(logRecord, nowMs, warnings),
    actor: otelActor(around, realm, warnings),
    outcome: otelOutcome(own, logRecord, warnings),
    source: otelSource(around, warnings),
    impact: otelImpact(own),
    trace: {
      requestId: attribute(own, "http.request.header.x-request-id", "access.request.id"),
      traceId: textAt(logRecord, "traceId"),
      spanId: textAt(logRecord, "spanId"),
    },
    origin: {
      system: service ?? "unknown",
      nativeId: uid,
      nativeVersion: textAt(resource, "schemaUrl") ?? textAt(scope, "schemaUrl"),
      warnings,
    },
    labels: listAttribute(own, "access.labels"),
    native: {
      resource: maskMembers({ ...resource, attributes: maskAttributes(around.resource) }),
      scope,
      logRecord: { ...logRecord, body: maskBody(logRecord["body"]), attributes: own },
    },
  });
}

/** All records of a whole request; what cannot be read of it is told once, with the place of each. */
function readRequest(records: readonly OtlpRecord[], options: OtelOptions, nowMs: number): readonly Made[] {
  const made = records.map((record) => readRecord(record, options, nowMs));
  const reasons = made.flatMap((each, i) =>
    each.kind === "unreadable" ? each.reasons.map((reason) => ({ ...reason, field: `${i}.${reason.field}` })) : [],
  );
  const readable = made.filter(({ kind }) => kind !== "unreadable");
  return reasons.length === 0 ? readable : [...readable, { kind: "unreadable", reasons: reasons.slice(0, 10) }];
}

/** Log records of OpenTelemetry: OTLP 1.x logs data model and the semantic conventions 1.44, older names too. */
export const otel = defineJsonAdapter({
  name: "otel",
  title: "OpenTelemetry log records: flattened, or OTLP/JSON requests as the collector's file exporter writes them",
  options: Type.Object(
    {
      realm: Type.Optional(
        Type.String({
          description: "What user ids are unique in, for example the identity provider; else the service.",
          minLength: 1,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  recognises: (value) =>
    Array.isArray(value["resourceLogs"]) ||
    Array.isArray(value["resource_logs"]) ||
    (isObject(value["logRecord"]) && "resource" in value && "scope" in value),
  prepare:
    (options, { nowMs }) =>
    (value) => {
      if (Object.hasOwn(value, "logRecord")) {
        const flat = flattenRecord(value["resource"], value["scope"], value["logRecord"]);
        return readRecord(flat, options, nowMs());
      }
      const records = "resourceLogs" in value || "resource_logs" in value ? flattenOtlp(value) : undefined;
      if (records === undefined)
        return unreadable(
          "resourceLogs",
          "is missing",
          "Send OTLP/JSON, or records with resource, scope and logRecord.",
        );
      return records.length === 0 ? skipped("request without log records") : readRequest(records, options, nowMs());
    },
});
