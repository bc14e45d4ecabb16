import { bundlePath, decodeBundle, parseCheckpoint, parseNote } from "@evident/core";

const bundleEntries = 256;

/** How to reach a trail of a running server. */
export interface PublishedOptions {
  readonly url: string;
  readonly key: string;
  readonly trail: string;
}

async function fetchLog(options: PublishedOptions, path: string): Promise<Uint8Array> {
  const answer = await fetch(`${options.url}/v1/trails/${options.trail}/log/${path}`, {
    headers: { authorization: `Bearer ${options.key}` },
    signal: AbortSignal.timeout(10_000),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${new TextDecoder().decode(bytes.subarray(0, 500))}`);
  return bytes;
}

/** The newest signed checkpoint of a trail: its size, root in hex and exact bytes. */
export async function readCheckpoint(
  options: PublishedOptions,
): Promise<{ readonly size: number; readonly root: string; readonly note: Uint8Array }> {
  const note = await fetchLog(options, "checkpoint");
  const { size, root } = parseCheckpoint(parseNote(note).text);
  return { size: Number(size), root: Buffer.from(root).toString("hex"), note };
}

/** Entries `[from, size)` of a trail as its tiles serve them. */
export async function readPublished(
  options: PublishedOptions,
  from: number,
  size: number,
): Promise<readonly Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let n = Math.floor(from / bundleEntries); n * bundleEntries < size; n += 1) {
    const width = Math.min(bundleEntries, size - n * bundleEntries);
    const bundle = decodeBundle(await fetchLog(options, bundlePath(n, width)));
    entries.push(...bundle.slice(Math.max(0, from - n * bundleEntries)));
  }
  return entries;
}
