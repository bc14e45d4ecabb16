import {
  decodeBundle,
  EvidentError,
  HASH_BYTES,
  type Hash,
  hashLeaf,
  splitHashes,
  TILE_WIDTH,
  TreeBuilder,
  tileBytes,
} from "@evident/core";
import { compareTile, rootOfHashes } from "./compare-tile.ts";
import { EntryChecker } from "./entry-checker.ts";
import type { BundleResult, BundleTask } from "./tasks.ts";

const NEWLINE = 0x0a;
const NONE = new Uint8Array();

/** Hashes one served bundle. What is no bundle, or not there, is left to the tile's hashes, so that what follows can still be checked. */
export function checkBundle(task: BundleTask): BundleResult {
  const { trail, n, width, bundle, tile, marks } = task;
  const checker = new EntryChecker(undefined, trail, n * TILE_WIDTH);
  const found = bundle === undefined ? undefined : hashBundle(bundle, task, checker);
  const own = found instanceof Uint8Array ? found : undefined;
  const fault = compareTile(n, own ?? NONE, width, tile);
  const leaves = own ?? (tile?.length === tileBytes(width) ? tile : undefined);
  const isWhole = leaves !== undefined && width === TILE_WIDTH;
  return {
    kind: "bundle",
    bundle: {
      n,
      count: width,
      root: isWhole ? new Uint8Array(rootOfHashes(leaves)) : undefined,
      leaves: isWhole ? undefined : leaves,
      ...(typeof found === "string" ? { unreadable: found } : {}),
      ...(fault === undefined ? {} : { tile: fault }),
    },
    isRead: own !== undefined,
    markRoots: leaves === undefined ? [] : rootsAt(leaves, marks),
    facts: checker.facts(),
  };
}

/** Leaf hashes of the entries, or what is wrong with the bytes as a bundle. */
function hashBundle(bytes: Uint8Array, { n, width }: BundleTask, checker: EntryChecker): Uint8Array | string {
  let entries: Uint8Array[];
  try {
    entries = decodeBundle(bytes);
  } catch (cause) {
    if (cause instanceof EvidentError) return `these bytes are no bundle: ${cause.message}`;
    throw cause;
  }
  if (entries.length !== width) return `the bundle holds ${entries.length} entries, not ${width}`;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const leaves = new Uint8Array(width * HASH_BYTES);
  for (const [i, entry] of entries.entries()) {
    const start = entry.byteOffset - bytes.byteOffset;
    const index = n * TILE_WIDTH + i;
    checker.check(buffer, start, start + entry.length, false);
    if (entry.includes(NEWLINE)) checker.fault({ index, kind: "malformed", detail: "the entry holds a line end" });
    leaves.set(hashLeaf(entry), i * HASH_BYTES);
  }
  return leaves;
}

function rootsAt(leaves: Uint8Array, marks: readonly number[]): Uint8Array[] {
  if (marks.length === 0) return [];
  const wanted = new Set(marks);
  const roots = new Map<number, Hash>();
  const builder = new TreeBuilder();
  for (const leaf of splitHashes(leaves)) {
    builder.append(leaf);
    if (wanted.has(builder.size)) roots.set(builder.size, builder.root());
  }
  return marks.flatMap((mark) => roots.get(mark) ?? []);
}
