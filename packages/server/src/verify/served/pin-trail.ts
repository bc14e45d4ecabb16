import type { Report } from "../report.ts";
import { type StatedHead, statedHead } from "../trail-head.ts";
import { describeServed, type ListedTrail, listRotations } from "./list-trails.ts";
import type { Fetched, LogClient } from "./log-client.ts";
import { logPaths, objectLimits } from "./log-paths.ts";

/** A trail at one published size: the server goes on writing, but everything is measured against this head. */
export interface PinnedTrail {
  /** As listed before the head was fetched. */
  readonly listed: ListedTrail;
  readonly note: Uint8Array;
  /** What the checkpoint states, whoever signed it. */
  readonly head: StatedHead;
  /** Sizes up to the head's at which the keys were changed, as the server lists them, smallest first. */
  readonly rotations: readonly number[];
  /** Keys that the server names as the signing ones, before and after the head was fetched. */
  readonly stated: readonly (readonly string[])[];
}

const PUBLISH_WAIT_MS = 5_000;
const LOOK_AGAIN_MS = 100;

/** Fetches the head that a trail is verified up to. Undefined when there is none to be had, which is then reported. */
export async function pinTrail(
  client: LogClient,
  listed: ListedTrail,
  report: Report,
): Promise<PinnedTrail | undefined> {
  const { name: trail, publishedSize } = listed;
  const { checkpoint: file } = logPaths(trail);
  const answer = await fetchHead(client, listed);
  if (answer.kind !== "found") {
    const why = answer.kind === "broken" ? answer.why : "the server does not give it";
    report.add({ trail, index: null, kind: "missing", file, detail: `the checkpoint cannot be had: ${why}` });
    return undefined;
  }
  const head = statedHead(answer.bytes);
  if (head === undefined) {
    const detail = "this is no checkpoint, or its size is beyond 2^53";
    report.add({ trail, index: null, kind: "malformed", file, detail });
    return undefined;
  }
  if (head.size < publishedSize) {
    const detail = `the checkpoint has size ${head.size}, but the server listed size ${publishedSize} before`;
    report.add({ trail, index: head.size, end: publishedSize, kind: "rolled_back", file, detail });
  }
  const rotations = await listRotations(client, trail);
  const now = await describeServed(client, trail);
  if (rotations === undefined) {
    report.unchecked(`${trail}: changes of its keys, since the server does not list them`);
  }
  return {
    listed,
    note: answer.bytes,
    head,
    rotations: (rotations ?? []).filter((size) => size <= head.size),
    stated: [...(now === undefined ? [] : [now.keys]), listed.keys],
  };
}

/**
 * What was just stored is published within a second or so. For `evident` that is waited for: it states the trails that were listed.
 */
async function fetchHead(client: LogClient, { name, size }: ListedTrail): Promise<Fetched> {
  const { checkpoint } = logPaths(name);
  const startedMs = performance.now();
  for (;;) {
    const answer = await client.fetch(checkpoint, objectLimits.note);
    const head = answer.kind === "found" ? statedHead(answer.bytes) : undefined;
    const isBehind = name === "evident" && head !== undefined && head.size < size;
    if (!isBehind || performance.now() - startedMs > PUBLISH_WAIT_MS) return answer;
    await client.wait(LOOK_AGAIN_MS);
  }
}
