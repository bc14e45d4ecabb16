import {
  type JsonObject,
  listAt,
  type Made,
  made,
  type NativeEvent,
  objectAt,
  readLooseTime,
  textAt,
  textsAt,
  unreadable,
} from "../adapt/index.ts";
import { type GcpEntry, gcpContainer, gcpNativeId } from "./gcp-entry.ts";
import { gcpResource, gcpScope } from "./gcp-resources.ts";
import { opOfVerb } from "./verb-ops.ts";

/** Whether an entry is of Access Transparency: Google's own people touched the customer's content. */
export function isTransparency({ entry }: GcpEntry): boolean {
  return textAt(entry, "jsonPayload", "@type")?.endsWith("google.cloud.audit.TransparencyLog") === true;
}

/** `//googleapis.com/storage/buckets/b/objects/o` names its service first. */
function resourceOf(name: string, entry: JsonObject): NativeEvent["resources"][number] {
  const parts = /^\/\/googleapis\.com\/([^/]+)\/(.+)$/s.exec(name);
  const service = parts?.[1] ?? "resource";
  return { ...gcpResource(service, parts?.[2] ?? name, undefined, gcpScope(entry, {}, name)), id: name };
}

/** Reads an entry of Access Transparency. Who it was is withheld; why, and from which country, is told. */
export function readGcpTransparency({ native, entry }: GcpEntry, fallbackProject: string | undefined): Made {
  const payload = objectAt(entry, "jsonPayload");
  const time = readLooseTime(textAt(entry, "timestamp"));
  const fix = "Send the entry as Cloud Logging wrote it.";
  if (time === undefined) return unreadable("timestamp", "is no time", fix);
  const accesses = listAt(payload, "accesses");
  const names = accesses.flatMap((access) => textAt(access, "resourceName") ?? []);
  const method = textAt(accesses[0], "methodName");
  if (method === undefined || names.length === 0) return unreadable("jsonPayload.accesses", "names no access", fix);
  const op = opOfVerb(method.slice(method.lastIndexOf(".") + 1));
  const system = gcpContainer(entry) ?? fallbackProject;
  const reason = listAt(payload, "reason")
    .flatMap((item) => [textAt(item, "type"), textAt(item, "detail")])
    .filter((part) => part !== undefined)
    .join(": ");
  return made({
    time: { ...time, basis: "event" },
    actor: { type: "user", id: "google-personnel", ns: "google", name: textAt(payload, "principalJobTitle") },
    action: { op: op ?? "OTHER", name: method, kind: "api" },
    resources: [...new Set(names)].map((name) => resourceOf(name, entry)),
    outcome: { status: "success", reason },
    source: { service: textAt(payload, "location", "principalEmployingEntity") ?? textsAt(payload, "product")[0] },
    origin: {
      system: system ?? "gcp",
      nativeId: gcpNativeId(entry),
      warnings: [
        "actor:withheld",
        ...(op === undefined ? ["op:default"] : []),
        ...(system === undefined ? ["system:default"] : []),
        ...(time.tz === "assumed" ? ["tz:assumed"] : []),
      ],
    },
    native,
  });
}
