import type { Storage } from "../storage/index.ts";
import { type EntryReader, parseObjectName, pathOf, sealedEnd, segmentsEnd, type Trail } from "../trail/index.ts";
import type { FileToSeal, Sealer } from "./sealer.ts";

const BUNDLE_ENTRIES = 256;

/** Sealed files that a crash left written but not recorded, in order. */
async function unrecorded(storage: Storage, reader: EntryReader, trail: Trail): Promise<readonly FileToSeal[]> {
  const files: FileToSeal[] = [];
  for (const name of await storage.objects.list(pathOf.segments(trail.name))) {
    const parsed = parseObjectName(trail.name, name);
    if (parsed?.kind !== "segment" || parsed.first < segmentsEnd(trail)) continue;
    const { first } = parsed;
    const { frames } = await reader.seekTable(name);
    files.push({ kind: "segment", name, first, end: first + frames.length * BUNDLE_ENTRIES });
  }
  for (const name of await storage.objects.list(pathOf.tails(trail.name))) {
    const parsed = parseObjectName(trail.name, name);
    if (parsed?.kind !== "tail") continue;
    const { first, size } = parsed;
    if (size > sealedEnd(trail)) files.push({ kind: "tail", name, first, end: size });
    else if (name !== trail.tail?.name) await storage.objects.remove([name]);
  }
  return files;
}

/** Finishes what a crash interrupted between writing a sealed file and recording it; removes tails that are superseded. */
export async function finishSeals(
  storage: Storage,
  reader: EntryReader,
  sealer: Sealer,
  trails: Iterable<Trail>,
): Promise<void> {
  for (const trail of trails) {
    for (const file of await unrecorded(storage, reader, trail)) await sealer.finish(trail, file);
  }
}
