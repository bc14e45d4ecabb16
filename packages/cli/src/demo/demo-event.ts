import type { AccessEvent } from "@evident/core";
import type { Random } from "./random.ts";

/** An event as a producer sends it; the tenant is left to the API key. */
export type DemoEvent = Omit<AccessEvent, "origin"> & { readonly origin: Omit<AccessEvent["origin"], "tenant"> };

export type Actor = AccessEvent["actor"];
export type Resource = AccessEvent["resources"][number];
export type Outcome = AccessEvent["outcome"];

/** What every event begins with: its id (UUIDv7 of RFC 9562) and time. */
export function eventHead(random: Random, atMs: number): Pick<DemoEvent, "v" | "id" | "time"> {
  const wholeMs = Math.floor(atMs);
  return {
    v: 1,
    id: uuidV7(random, wholeMs),
    time: { occurred: timeText(wholeMs), precision: "ms", basis: "event" },
  };
}

function uuidV7(random: Random, atMs: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  const tail = random.hex(4);
  const variant = "89ab"[random.below(4)] ?? "8";
  return `${time.slice(0, 8)}-${time.slice(8)}-7${tail.slice(0, 3)}-${variant}${random.hex(1).slice(1)}-${tail.slice(4)}`;
}

function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 23)}000000Z`;
}

/** Mostly success; `denied` and `failed` are the parts that are not. Codes are HTTP's. */
export function httpOutcome(random: Random, denied: number, failed: number): Outcome {
  const at = random.unit();
  if (at < denied) return { status: "denied", code: "403", reason: random.pick(denials) };
  if (at < denied + failed) return random.pick(failures);
  return { status: "success", code: "200" };
}

const denials = [
  "the role does not allow this",
  "the record is in another clinic",
  "the session has no second factor",
  "the consent was withdrawn",
] as const;

const failures = [
  { status: "failure", code: "500" },
  { status: "failure", code: "504", reason: "upstream timed out" },
  { status: "failure", code: "404" },
  { status: "failure", code: "409", reason: "changed by someone else" },
  { status: "failure", code: "422", reason: "a field is not valid" },
] as const;

/** The W3C trace context's ids and a request id. */
export function traceIds(random: Random): { readonly requestId: string; readonly traceId: string } {
  return { requestId: `req-${random.hex(4)}`, traceId: random.hex(8) };
}
