import {
  type JsonObject,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  objectAt,
  readLooseTime,
  splitAddress,
  textAt,
  unreadable,
} from "../adapt/index.ts";
import { type GcpEntry, gcpContainer, gcpNativeId, gcpTrace } from "./gcp-entry.ts";

type Op = NativeEvent["action"]["op"];

const methods: ReadonlyMap<string, Op> = new Map([
  ["GET", "READ"],
  ["HEAD", "READ"],
  ["PROPFIND", "LIST"],
  ["SEARCH", "LIST"],
  ["POST", "CREATE"],
  ["PUT", "WRITE"],
  ["PATCH", "UPDATE"],
  ["DELETE", "DELETE"],
]);

function outcomeOf(entry: JsonObject, status: string | undefined): NativeEvent["outcome"] {
  const verdict = textAt(entry, "jsonPayload", "enforcedSecurityPolicy", "outcome");
  const reason = textAt(entry, "jsonPayload", "statusDetails");
  const code = Number(status ?? Number.NaN);
  if (verdict === "DENY" || code === 401 || code === 403 || code === 407)
    return { status: "denied", code: status, reason };
  if (code >= 400) return { status: "failure", code: status, reason };
  return code >= 100 ? { status: "success", code: status } : { status: "unknown", reason };
}

/** A request log of App Engine's first generation, as the others have it. */
export function fromAppEngine(payload: JsonObject): JsonObject {
  const host = textAt(payload, "host");
  const target = textAt(payload, "resource") ?? "/";
  return {
    requestMethod: textAt(payload, "method"),
    requestUrl: host === undefined ? target : `https://${host}${target}`,
    status: textAt(payload, "status"),
    responseSize: textAt(payload, "responseSize"),
    userAgent: textAt(payload, "userAgent"),
    remoteIp: textAt(payload, "ip"),
  };
}

/** Reads a request log: load balancers, Cloud Run, App Engine, API gateways. */
export function readGcpRequest({ native, entry }: GcpEntry, fallbackProject: string | undefined): Made {
  const request = objectAt(entry, "httpRequest");
  const time = readLooseTime(textAt(entry, "timestamp"));
  const method = textAt(request, "requestMethod");
  const url = textAt(request, "requestUrl");
  const fix = "Send the entry as Cloud Logging wrote it.";
  if (time === undefined) return unreadable("timestamp", "is no time", fix);
  if (method === undefined || url === undefined) return unreadable("httpRequest", "has no method or URL", fix);
  const parts = /^(?:[a-z][a-z\d+.-]*:\/\/([^/?#]*))?([^?#]*)/i.exec(url);
  const host = parts?.[1]?.replace(/^.*@/, "");
  const system = gcpContainer(entry) ?? fallbackProject;
  const client = splitAddress(textAt(request, "remoteIp"));
  const op = methods.get(method.toUpperCase());
  const warnings = [
    ...(op === undefined ? ["op:default"] : []),
    ...(system === undefined ? ["system:default"] : []),
    ...(time.tz === "assumed" ? ["tz:assumed"] : []),
    ...(client === undefined ? ["actor:default"] : []),
  ];
  return made({
    time: { ...time, basis: "event" },
    // The log does not say who it was, only from where.
    actor: {
      type: client === undefined ? "unknown" : "anonymous",
      id: client?.ip ?? "unknown",
      ns: `http:${host ?? "gcp"}`,
    },
    action: { op: op ?? "OTHER", name: method.toUpperCase(), kind: "http" },
    resources: [
      {
        type: "http.path",
        id: parts?.[2] === undefined || parts[2] === "" ? "/" : parts[2],
        scope: [system, host].filter((part) => part !== undefined && part !== "") as readonly string[],
      },
    ],
    outcome: outcomeOf(entry, textAt(request, "status")),
    source: {
      ip: client?.ip,
      port: client?.port,
      ipTrust: client === undefined ? undefined : "peer",
      userAgent: textAt(request, "userAgent"),
    },
    impact: { bytesIn: textAt(request, "requestSize"), bytesOut: textAt(request, "responseSize") },
    trace: gcpTrace(entry),
    origin: { system: system ?? "gcp", nativeId: gcpNativeId(entry), warnings },
    native: maskMembers(native),
  });
}
