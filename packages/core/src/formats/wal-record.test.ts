import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ed25519FromSeed, sha256 } from "../crypto/index.ts";
import { concatBytes, toBase64, utf8 } from "../encoding/index.ts";
import { encodeBundle } from "../tree/index.ts";
import * as wal from "./index.ts";

const pair = ed25519FromSeed(Uint8Array.from({ length: 32 }, (_, i) => i));
const root = toBase64(sha256(utf8("root")));
const zeros = new Uint8Array(32);

function header(seq: number, prev: Uint8Array, counts: Readonly<Record<string, number>>): wal.WalHeader {
  return {
    v: 1,
    epoch: 1,
    seq,
    prev: toBase64(prev),
    at: "2026-11-24T10:00:00.000000000Z",
    trails: Object.entries(counts).map(([trail, count]) => ({ trail, first: seq * 10, count, root })),
  };
}

/** A log of `count` chained records with two trails each. */
function makeLog(count: number): { readonly records: Uint8Array[]; readonly bytes: Uint8Array } {
  const records: Uint8Array[] = [];
  let prev: Uint8Array = zeros;
  for (let seq = 0; seq < count; seq += 1) {
    const body = [encodeBundle([utf8(`a${seq}`), utf8("")]), encodeBundle([utf8(`b${seq}`)])];
    const record = wal.encodeWalRecord(header(seq, prev, { alpha: 2, beta: 1 }), body, (m) => pair.sign(m));
    prev = record.digest;
    records.push(record.bytes);
  }
  return { records, bytes: concatBytes(...records) };
}

describe("a log record", () => {
  it("has exactly the bytes of docs/formats/wal.md", () => {
    const fields = header(0, zeros, { alpha: 1 });
    const { bytes, bodyOffset, digest } = wal.encodeWalRecord(fields, [encodeBundle([utf8("{}")])], (m) =>
      pair.sign(m),
    );
    const text = JSON.stringify(fields);
    expect(Buffer.from(bytes.subarray(0, 8)).toString("latin1")).toBe("EVWAL\0\0\x01");
    expect([...bytes.subarray(8, 16)]).toEqual([0, 0, 0, text.length, 0, 0, 0, 4]);
    expect(Buffer.from(bytes.subarray(16, 16 + text.length)).toString()).toBe(text);
    expect(bodyOffset).toBe(16 + text.length);
    expect([...bytes.subarray(bodyOffset, bodyOffset + 4)]).toEqual([0, 2, 0x7b, 0x7d]);
    const content = sha256(bytes.subarray(0, bodyOffset + 4));
    const signature = pair.sign(concatBytes(utf8("evident/wal-record/v1\n"), content));
    expect(bytes.subarray(bodyOffset + 4)).toEqual(signature);
    expect(digest).toEqual(sha256(concatBytes(content, signature)));
    // Ed25519 is deterministic, so the whole record is a vector.
    expect(toBase64(digest)).toBe("y+U6UycJWcNyu5bYCqN27nP9fBX8QusuPqyauo+4JaA=");
  });

  it("gives back its header and entries", () => {
    const { bytes } = makeLog(1);
    const record = wal.decodeWalRecord(bytes, 0, pair.publicKey);
    if (record.kind !== "record") throw new Error(record.kind);
    expect(record.end).toBe(bytes.length);
    expect(wal.walEntries(record)).toEqual([
      { trail: "alpha", first: 0, entries: [utf8("a0"), utf8("")] },
      { trail: "beta", first: 0, entries: [utf8("b0")] },
    ]);
  });

  it("is refused over its limits", () => {
    expect(() => wal.encodeWalRecord(header(0, zeros, {}), [new Uint8Array((64 << 20) + 1)], () => zeros)).toThrow(
      expect.objectContaining({ code: "bad_encoding" }),
    );
  });

  it("is invalid with any bit flipped", () => {
    const { bytes } = makeLog(1);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(wal.decodeWalRecord(flipped, 0, pair.publicKey).kind).toBe("invalid");
    }
  });
});

describe("scanning a log file", () => {
  const { records, bytes } = makeLog(5);
  const lastStart = bytes.length - (records[4]?.length ?? 0);

  it("finds every record, the chain, and what follows", () => {
    const scan = wal.scanWal(bytes, pair.publicKey);
    expect(scan).toMatchObject({ validEnd: bytes.length, tail: "clean", closed: false });
    for (const [i, record] of scan.records.entries()) {
      expect(record.header.prev).toBe(toBase64(scan.records[i - 1]?.digest ?? zeros));
    }
    expect(wal.scanWal(concatBytes(bytes, new Uint8Array(5000)), pair.publicKey).tail).toBe("zeros");
    expect(wal.scanWal(new Uint8Array(0)).tail).toBe("clean");
  });

  it("takes any cut of the last record, zero-filled or not, for a torn one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length - lastStart - 1 }), fc.nat({ max: 3000 }), (kept, fill) => {
        const cut = concatBytes(bytes.subarray(0, lastStart + kept), new Uint8Array(fill));
        expect(wal.scanWal(cut, pair.publicKey)).toMatchObject({ validEnd: lastStart, tail: "torn" });
      }),
      { numRuns: 200 },
    );
  });

  it("takes a record whose first sector never reached the disk for a torn one", () => {
    const large = wal.encodeWalRecord(
      header(5, zeros, { alpha: 1 }),
      [encodeBundle([new Uint8Array(3000).fill(65)])],
      (m) => pair.sign(m),
    ).bytes;
    const torn = concatBytes(bytes, large, new Uint8Array(9000));
    torn.fill(0, bytes.length, Math.ceil((bytes.length + 1) / 512) * 512);
    expect(wal.scanWal(torn, pair.publicKey)).toMatchObject({ validEnd: bytes.length, tail: "torn" });
    torn.fill(1, bytes.length, bytes.length + 20);
    expect(wal.scanWal(torn, pair.publicKey).tail).toBe("corrupt");
  });

  it("takes a last record that lost any of its sectors for a torn one, wherever it begins, read whole or from its sector on", () => {
    const sizes = fc.integer({ min: 0, max: 511 });
    const lost = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(sizes, lost, (padding, sectors) => {
        const encode = (seq: number, prev: Uint8Array, sizeBytes: number) =>
          wal.encodeWalRecord(
            header(seq, prev, { alpha: 1 }),
            [encodeBundle([new Uint8Array(sizeBytes).fill(65)])],
            (m) => pair.sign(m),
          );
        const first = encode(0, zeros, padding);
        const start = first.bytes.length;
        const torn = concatBytes(first.bytes, encode(1, first.digest, 2500).bytes, new Uint8Array(3000));
        for (const [i, isLost] of sectors.entries()) {
          const sector = Math.floor(start / 512) + i;
          if (isLost) torn.fill(0, Math.max(start, sector * 512), Math.max(start, (sector + 1) * 512));
        }
        const whole = wal.scanWal(torn, pair.publicKey);
        expect(whole.tail).not.toBe("corrupt");
        const sectorStart = start - (start % 512);
        const { tail } = wal.scanWal(torn.subarray(sectorStart), pair.publicKey, start - sectorStart);
        expect(tail).toBe(whole.tail);
      }),
      { numRuns: 500 },
    );
  });

  it("never takes a change before a valid record for a torn tail", () => {
    fc.assert(
      fc.property(fc.nat({ max: lastStart * 8 - 1 }), (bit) => {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const scan = wal.scanWal(flipped, pair.publicKey);
        expect(scan.tail).toBe("corrupt");
        expect(scan.validEnd).toBeLessThanOrEqual(bit >> 3);
      }),
      { numRuns: 200 },
    );
  });

  it("reports anything behind a torn record", () => {
    const junk = concatBytes(bytes.subarray(0, bytes.length - 1), new Uint8Array(100), Uint8Array.of(1));
    expect(wal.scanWal(junk, pair.publicKey).tail).toBe("corrupt");
  });

  it("reads any bytes without failing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat({ max: 400 }), (noise, at) => {
        const damaged = bytes.slice(0, 900);
        damaged.set(noise.subarray(0, damaged.length - at), at);
        expect(wal.scanWal(damaged, pair.publicKey).validEnd).toBeLessThanOrEqual(damaged.length);
        expect(wal.scanWal(noise).validEnd).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

it("names log files so that they sort", () => {
  expect(wal.walFileName(3, 12)).toBe("00000003-00000012");
  expect(wal.parseWalFileName("00000003-00000012")).toEqual({ epoch: 3, file: 12 });
  for (const name of ["3-12", "00000003-00000012.tmp", "000000030-0000012"]) {
    expect(wal.parseWalFileName(name)).toBeUndefined();
  }
});
