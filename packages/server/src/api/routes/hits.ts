import { EvidentError } from "@evident/core";
import type { Hit } from "../../search/index.ts";
import type { ApiContext } from "../app/index.ts";

const ADDRESS = /^(?<trail>[a-z][a-z0-9-]{0,62}):(?<index>\d{1,15})$/;
const MAX_SHOWN = 200;
const MAX_ADDRESSES = 10;
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

/** Positions of the trails that were searched: of the others not even the size is told. */
export function indexedOf(
  indexed: Readonly<Record<string, number>>,
  trails: readonly string[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(trails.map((name) => [name, Object.hasOwn(indexed, name) ? (indexed[name] ?? 0) : 0]));
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

/** What an id came to. `several`: it stands for more than one event, or for one event in more than one trail. */
export type Found =
  | { readonly kind: "one"; readonly hit: Hit }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly hits: readonly Hit[] };

/** Finds one entry by `<trail>:<index>` or by event id in the given trails. */
export async function findEntry(
  context: ApiContext,
  id: string,
  trails: readonly string[],
  signal: AbortSignal,
): Promise<Found> {
  const address = ADDRESS.exec(id)?.groups;
  const trail = address?.["trail"];
  if (trail !== undefined && trails.includes(trail)) {
    const index = Number(address?.["index"]);
    const entry = await context.ledger.entry(trail, index);
    if (entry !== undefined) return { kind: "one", hit: { trail, index, entry } };
  }
  let hits = await context.search.find(id, trails, signal);
  if (hits.length === 0 && (await caughtUp(context, trails))) hits = await context.search.find(id, trails, signal);
  const [first, ...others] = hits;
  if (first === undefined) return { kind: "none" };
  return others.length === 0 ? { kind: "one", hit: first } : { kind: "several", hits };
}

/** What an id that stands for no single entry is answered with. */
export function whyNotOne(id: string, found: Exclude<Found, { kind: "one" }>): EvidentError {
  if (found.kind === "none")
    return new EvidentError("not_found", `no entry ${JSON.stringify(id.slice(0, MAX_SHOWN))} that this key may see`);
  const addresses = found.hits.slice(0, MAX_ADDRESSES).map(({ trail, index }) => `${trail}:${index}`);
  return new EvidentError("conflict", `this id stands in several entries: ${addresses.join(", ")}`, {
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
  if (receipt === undefined) throw new EvidentError("not_ready", `no checkpoint covers ${trail}:${index} yet`);
  return receipt;
}
