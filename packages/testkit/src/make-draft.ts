import { createHash } from "node:crypto";
import type { Draft } from "@evident/server";
import { makeEvent } from "./make-event.ts";

/** An entry ready for `Ledger.append`, told apart by `id`, with an identity made of it. About 100 bytes when stored. */
export function makeDraft(id: string): Draft {
  const digest = createHash("sha256").update(id).digest();
  const sent = digest.subarray(0, 16).toString("base64url");
  return {
    kind: "event",
    rest: `"sent":"${sent}","event":{"v":1,"id":${JSON.stringify(id)}}`,
    identity: makeIdentity(id),
  };
}

/** As `makeDraft`, with a complete event in it. */
export function makeFullDraft(id: string): Draft {
  const draft = makeDraft(id);
  const event = { ...makeEvent(id), origin: { tenant: "acme", source: "records", system: "records", adapter: "http" } };
  return { ...draft, rest: draft.rest.replace(/"event":.*$/, `"event":${JSON.stringify(event)}`) };
}

/** The 24 bytes by which the ledger knows a made entry again: the first 16 for the id, 8 for its content. */
export function makeIdentity(id: string): Uint8Array {
  return new Uint8Array(createHash("sha512").update(id).digest().subarray(0, 24));
}

/** The event id of a stored line; undefined for entries that are no events. */
export function eventIdOf(line: Uint8Array): string | undefined {
  const entry = JSON.parse(new TextDecoder().decode(line)) as { kind?: string; event?: { id?: string } };
  return entry.kind === "event" ? entry.event?.id : undefined;
}
