import { setTimeout as sleep } from "node:timers/promises";
import { type PublishedOptions, readCheckpoint, readPublished } from "@evident/testkit";

/** What a trail holds of web logs: how often each path was asked for, and what is in quarantine. */
export interface StoredRequests {
  readonly paths: ReadonlyMap<string, number>;
  readonly quarantined: readonly string[];
}

/** Waits until nothing is added for a moment, and counts. */
export async function readRequests(options: PublishedOptions): Promise<StoredRequests> {
  let size = -1;
  for (;;) {
    const now = await sizeOf(options);
    if (now === size) break;
    size = now;
    await sleep(1_500);
  }
  const paths = new Map<string, number>();
  const quarantined: string[] = [];
  for (const bytes of size === 0 ? [] : await readPublished(options, 0, size)) {
    const text = Buffer.from(bytes).toString();
    const entry = JSON.parse(text) as { kind: string; event?: { native?: { request?: string } } };
    if (entry.kind !== "event") {
      quarantined.push(text);
      continue;
    }
    const path = entry.event?.native?.request?.split(" ")[1] ?? text;
    paths.set(path, (paths.get(path) ?? 0) + 1);
  }
  return { paths, quarantined };
}

async function sizeOf(options: PublishedOptions): Promise<number> {
  try {
    return (await readCheckpoint(options)).size;
  } catch (cause) {
    // Nothing was stored yet: there is no trail.
    if (cause instanceof Error && cause.message.includes("404")) return 0;
    throw cause;
  }
}

/** Paths whose count differs from how often they were written. */
export function differences(written: Iterable<string>, { paths }: StoredRequests): readonly string[] {
  const wanted = new Map<string, number>();
  for (const path of written) wanted.set(path, (wanted.get(path) ?? 0) + 1);
  const all = new Set([...wanted.keys(), ...paths.keys()]);
  return [...all].flatMap((path) => {
    const [want, got] = [wanted.get(path) ?? 0, paths.get(path) ?? 0];
    return want === got ? [] : [`${path}: written ${want} times, stored ${got} times`];
  });
}
