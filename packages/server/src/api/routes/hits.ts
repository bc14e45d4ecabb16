import { type EvidentError, EvidentError as Failure } from "@evident/core";
import type { Hit } from "../../search/index.ts";
import type { ApiContext } from "../app/index.ts";

const ADDRESS = /^(?<trail>[a-z][a-z0-9-]{0,62}):(?<index>\d{1,15})$/;
const INDEX_WAIT_MS = 2_000;
const PROOF_WAIT_MS = 10_000;

/** One hit as JSON; the entry's stored bytes go in as they are. */
export function hitText({ trail, index, entry }: Hit): Buffer {
  const head = `{"trail":${JSON.stringify(trail)},"index":${index},"entry":`;
  return Buffer.concat([Buffer.from(head), entry, Buffer.from("}")]);
}

/** Buffers with a separator between each two. */
export function joinBuffers(parts: readonly Buffer[], separator: string): Buffer {
  const between = Buffer.from(separator);
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [between, part])));
}

function missing(id: string): EvidentError {
  return new Failure("not_found", `no entry ${JSON.stringify(id.slice(0, 200))} that this key may see`);
}

/** Waits a moment for entries that are durable and not yet indexed. */
async function caughtUp({ search, ledger }: ApiContext, trails: readonly string[]): Promise<boolean> {
  const indexed = search.indexed();
  const behind = trails
    .map((name) => [name, ledger.trail(name)?.size ?? 0] as const)
    .filter(([name, size]) => (indexed[name] ?? 0) < size);
  if (behind.length === 0) return false;
  const signal = AbortSignal.timeout(INDEX_WAIT_MS);
  await search.waitIndexed(Object.fromEntries(behind), signal).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
  });
  return true;
}

/**
 * Finds one entry by `<trail>:<index>` or by event id in the given trails.
 *
 * @throws EvidentError `not_found`; `conflict` when the id stands for several events, naming their addresses
 */
export async function findEntry(context: ApiContext, id: string, trails: readonly string[]): Promise<Hit> {
  const address = ADDRESS.exec(id)?.groups;
  const trail = address?.["trail"];
  if (trail !== undefined && trails.includes(trail)) {
    const index = Number(address?.["index"]);
    const entry = await context.ledger.entry(trail, index);
    if (entry !== undefined) return { trail, index, entry };
  }
  let hits = await context.search.find(id, trails);
  if (hits.length === 0 && (await caughtUp(context, trails))) hits = await context.search.find(id, trails);
  const [first, ...others] = hits;
  if (first === undefined) throw missing(id);
  if (others.length === 0) return first;
  const addresses = hits.slice(0, 10).map((hit) => `${hit.trail}:${hit.index}`);
  throw new Failure("conflict", `this id stands in several entries: ${addresses.join(", ")}`, {
    fix: "Ask for one of them by its <trail>:<index>.",
  });
}

/**
 * The receipt of a durable entry; waits for the next checkpoint when none covers it yet.
 *
 * @throws EvidentError `not_ready` when no checkpoint came in ten seconds
 */
export async function waitReceipt({ ledger }: ApiContext, trail: string, index: number): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(PROOF_WAIT_MS);
  await ledger.waitPublished(trail, index + 1, signal).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
  });
  const receipt = await ledger.receipt(trail, index);
  if (receipt === undefined) throw new Failure("not_ready", `no checkpoint covers ${trail}:${index} yet`);
  return receipt;
}
