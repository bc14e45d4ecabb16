import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { concatBytes, EvidentError, encodeSeekTable, equalBytes, hashLeaf, type SeekFrame } from "@evident/core";
import type { ObjectStore } from "../storage/index.ts";
import { type EntryReader, readTile, type Trail } from "../trail/index.ts";

const compress = promisify(zstdCompress);
const BUNDLE_ENTRIES = 256;
const HASH_BYTES = 32;
const LEVEL = 3;
const NEWLINE = new Uint8Array([0x0a]);

/** One zstd frame per bundle of entries `[first, end)`, each entry a line, then the seek table. */
async function* frames(reader: EntryReader, trail: Trail, first: number, end: number): AsyncGenerator<Uint8Array> {
  const table: SeekFrame[] = [];
  let offset = 0;
  for await (const { entries } of reader.range(trail, first, end)) {
    const text = concatBytes(...entries.flatMap((entry) => [entry, NEWLINE]));
    const frame = await compress(text, {
      params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_contentSizeFlag]: 1 },
    });
    table.push({ offset, compressedBytes: frame.length, plainBytes: text.length });
    offset += frame.length;
    yield frame;
  }
  yield encodeSeekTable(table);
}

/** Writes a sealed file of published entries `[first, end)`; `first` lies on a bundle border. Returns its length and SHA-256. */
export function writeSealedFile(
  objects: ObjectStore,
  reader: EntryReader,
  trail: Trail,
  file: { readonly name: string; readonly first: number; readonly end: number },
): Promise<{ readonly sizeBytes: number; readonly sha256: Uint8Array }> {
  return objects.createStream(file.name, frames(reader, trail, file.first, file.end));
}

/**
 * Reads a sealed file back and compares every entry's leaf hash with the published tree's level-0 tiles.
 * @throws EvidentError `corrupt_store` naming the first entry that differs
 */
export async function checkSealedFile(
  objects: ObjectStore,
  reader: EntryReader,
  trail: Trail,
  file: { readonly name: string; readonly first: number; readonly end: number },
): Promise<void> {
  for (let first = file.first; first < file.end; first += BUNDLE_ENTRIES) {
    const width = Math.min(BUNDLE_ENTRIES, file.end - first);
    const entries = await reader.frame(file.name, (first - file.first) / BUNDLE_ENTRIES);
    const tile = await readTile(objects, trail, {
      level: 0,
      n: first / BUNDLE_ENTRIES,
      width,
      size: trail.published.size,
    });
    if (tile === undefined || entries.length !== width) {
      throw new EvidentError(
        "corrupt_store",
        `${file.name}: entries ${first} to ${first + width - 1} are not all there`,
      );
    }
    for (const [i, entry] of entries.entries()) {
      if (!equalBytes(hashLeaf(entry), tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))) {
        throw new EvidentError("corrupt_store", `${file.name}: entry ${first + i} is not the one in the tree`);
      }
    }
  }
}
