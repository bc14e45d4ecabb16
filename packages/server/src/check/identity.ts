import { hash } from "node:crypto";
import { fromUtf8, hmacSha256, toBase64Url, utf8 } from "@evident/core";

const KEY_BYTES = 16;
const SENT_BYTES = 8;
const HMAC_BYTES = 16;

/** Tells two submissions apart: the first 16 bytes of an HMAC-SHA-256 of the content, base64url. */
export function sentOf(macKey: Uint8Array, content: Uint8Array): string {
  return toBase64Url(hmacSha256(macKey, content).subarray(0, HMAC_BYTES));
}

/**
 * Identity of an event, (tenant, source, id), and its `sent`, as the ledger compares them: 16 and 8 bytes. Keyed by a secret prefix and
 * cut to half of SHA-256, so nobody outside can construct a collision.
 */
export function makeIdentity(
  secret: string,
  identity: { readonly tenant: string; readonly source: string; readonly id: string },
  sent: string,
): Uint8Array {
  const { tenant, source, id } = identity;
  // JSON keeps the three apart whatever they contain.
  const digest = hash("sha256", secret + JSON.stringify([tenant, source, id]), "latin1");
  const bytes = new Uint8Array(KEY_BYTES + SENT_BYTES);
  for (let i = 0; i < KEY_BYTES; i += 1) bytes[i] = digest.charCodeAt(i);
  bytes.set(Buffer.from(sent, "base64url").subarray(0, SENT_BYTES), KEY_BYTES);
  return bytes;
}

/** The secret prefix of identities, derived from the store's MAC key. */
export function identitySecret(macKey: Uint8Array): string {
  return Buffer.from(hmacSha256(macKey, utf8("evident/identity/v1"))).toString("hex");
}

/** The id by which an unreadable record is known: never that of an event, which the same record may become with a better adapter. */
export function unreadableId(id: string): string {
  return `unreadable/${id}`;
}

/** Reads identities back from stored lines, for rebuilding the identity store; undefined for entries without one. */
export function identityReader(macKey: Uint8Array): (line: Uint8Array) => Uint8Array | undefined {
  const secret = identitySecret(macKey);
  return (line) => {
    const entry = JSON.parse(fromUtf8(line)) as {
      kind: string;
      sent: string;
      event?: { id: string; origin: { tenant: string; source: string } };
      quarantine?: { why: string; tenant: string; id?: string; source?: string };
    };
    const { quarantine } = entry;
    if (quarantine?.why === "unreadable") {
      const { tenant, source, id } = quarantine;
      if (id === undefined || source === undefined) return undefined;
      return makeIdentity(secret, { tenant, source, id: unreadableId(id) }, entry.sent);
    }
    if (entry.kind !== "event" || entry.event === undefined) return undefined;
    const { id, origin } = entry.event;
    return makeIdentity(secret, { tenant: origin.tenant, source: origin.source, id }, entry.sent);
  };
}
