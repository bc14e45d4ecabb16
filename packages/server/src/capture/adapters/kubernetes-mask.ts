import { isObject, isSecretName, type JsonObject, MASK, maskMembers, textAt } from "../adapt/index.ts";

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const MAX_DEPTH = 32;

/** Every text in a value replaced: the names of a Secret's data stay, what they hold does not. */
function maskAll(value: unknown): unknown {
  if (typeof value === "string") return MASK;
  if (Array.isArray(value)) return (value as readonly unknown[]).map(maskAll);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, maskAll(member)]));
}

/** A Secret, a list of them, or a patch of one, without what they hold. */
function maskSecret(value: unknown): unknown {
  // A JSON patch: `/data/password` with its value.
  if (Array.isArray(value)) {
    return (value as readonly unknown[]).map((step) =>
      isObject(step) && "value" in step ? { ...step, value: maskAll(step["value"]) } : step,
    );
  }
  if (!isObject(value)) return value;
  const masked = Object.entries(value).map(([name, member]) => {
    if (name === "data" || name === "stringData") return [name, maskAll(member)];
    if (name === "items" && Array.isArray(member)) return [name, member.map(maskSecret)];
    if (name === "metadata") return [name, maskApplied(member)];
    return [name, member];
  });
  return Object.fromEntries(masked);
}

/** kubectl keeps the whole object as it was applied in an annotation. */
function maskApplied(metadata: unknown): unknown {
  if (!isObject(metadata) || !isObject(metadata["annotations"])) return metadata;
  const annotations = metadata["annotations"];
  if (!Object.hasOwn(annotations, LAST_APPLIED)) return metadata;
  return { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: MASK } };
}

/** Environment variables of containers that are called like a secret. */
function maskEnvironment(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return (value as readonly unknown[]).map((item) => maskEnvironment(item, depth + 1));
  if (!isObject(value)) return value;
  const name = value["name"];
  if (typeof name === "string" && typeof value["value"] === "string" && isSecretName(name))
    return { ...value, value: MASK };
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, maskEnvironment(member, depth + 1)]));
}

/** An audit event without the content of Secrets, tokens, and passwords in the environment of containers. */
export function maskAuditEvent(value: JsonObject): JsonObject {
  const bodies = ["requestObject", "responseObject"].filter((name) => Object.hasOwn(value, name));
  if (bodies.length === 0) return maskMembers(value);
  const isSecret = textAt(value, "objectRef", "resource") === "secrets";
  const mask = isSecret ? maskSecret : maskEnvironment;
  return maskMembers({ ...value, ...Object.fromEntries(bodies.map((name) => [name, mask(value[name])])) });
}
