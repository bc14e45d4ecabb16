import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, toHex, utf8 } from "../encoding/index.ts";
import * as segment from "./index.ts";

function makeSegment(bundles: readonly (readonly Uint8Array[])[]): { bytes: Uint8Array; frames: segment.SeekFrame[] } {
  const frames: segment.SeekFrame[] = [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const entries of bundles) {
    const plain = segment.joinLines(entries);
    const packed = zstdCompressSync(plain);
    frames.push({ offset, compressedBytes: packed.length, plainBytes: plain.length });
    parts.push(packed);
    offset += packed.length;
  }
  return { bytes: concatBytes(...parts, segment.encodeSeekTable(frames)), frames };
}

const read = (bytes: Uint8Array) => async (offset: number, length: number) => bytes.subarray(offset, offset + length);

describe("a sealed file", () => {
  it("ends with the seek table of the zstd seekable format", () => {
    const table = segment.encodeSeekTable([
      { offset: 0, compressedBytes: 0x1234, plainBytes: 0x56789 },
      { offset: 0x1234, compressedBytes: 1, plainBytes: 2 },
    ]);
    expect(toHex(table)).toBe("5e2a4d1819000000341200008967050001000000020000000200000000b1ea928f");
  });

  it("unpacks as a whole to its lines, the table being skipped", async () => {
    const { bytes, frames } = makeSegment([[utf8("{}"), utf8('{"a":1}')], [utf8("x")]]);
    expect(zstdDecompressSync(bytes).toString()).toBe('{}\n{"a":1}\nx\n');
    expect(await segment.parseSeekTable(bytes.length, read(bytes))).toEqual({
      frames,
      end: (frames[1]?.offset ?? 0) + (frames[1]?.compressedBytes ?? 0),
    });
  });

  it("has another table, or none, when a bit of the table is flipped", async () => {
    const { bytes, frames } = makeSegment([[utf8("{}")], [utf8("x")]]);
    const end = (frames[1]?.offset ?? 0) + (frames[1]?.compressedBytes ?? 0);
    for (let bit = end * 8; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const parsed = await segment.parseSeekTable(flipped.length, read(flipped)).catch((cause: unknown) => cause);
      expect(parsed).not.toEqual({ frames, end });
    }
  });

  it("is refused without a failure when its bytes are noise", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (noise) => {
        const bytes = concatBytes(noise, utf8("\0\0\0\0\0"), Uint8Array.of(0xb1, 0xea, 0x92, 0x8f));
        const parsed = await segment.parseSeekTable(bytes.length, read(bytes)).catch((cause: unknown) => cause);
        // Noise may by chance be a table without frames; it cannot fail otherwise.
        expect([undefined, "malformed"]).toContain((parsed as { code?: string }).code);
        await expect(segment.parseSeekTable(noise.length, read(noise))).rejects.toMatchObject({ code: "malformed" });
      }),
    );
  });
});

it("splits lines back, and refuses a last one that is not ended", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }).filter((line) => !line.includes(10))), (lines) => {
      expect(segment.splitLines(segment.joinLines(lines))).toEqual(lines);
    }),
  );
  expect(() => segment.splitLines(utf8("a\nb"))).toThrow(expect.objectContaining({ code: "malformed" }));
});

it("names the files of a trail so that they sort, and reads the names back", () => {
  expect(segment.segmentPath(256)).toBe("segments/0000000000000256.ndjson.zst");
  expect(segment.tailPath(256, 300)).toBe("tails/0000000000000256-0000000000000300.ndjson.zst");
  expect(segment.rotationPath(300)).toBe("rotations/0000000000000300.note");
  expect(segment.parseTrailPath(segment.segmentPath(256))).toEqual({ kind: "segment", first: 256 });
  expect(segment.parseTrailPath(segment.tailPath(256, 300))).toEqual({ kind: "tail", first: 256, size: 300 });
  expect(segment.parseTrailPath(segment.rotationPath(300))).toEqual({ kind: "rotation", size: 300 });
  for (const name of ["segments/256.ndjson.zst", "segments/0000000000000256.ndjson.zst.tmp", "tails/x", "checkpoint"]) {
    expect(segment.parseTrailPath(name)).toBeUndefined();
  }
  expect(segment.parseTrailPath("segments/9999999999999999.ndjson.zst")).toBeUndefined();
});
