import { mkdirSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { verifyDirectory } from "@evident/server";
import {
  makeRandom,
  makeStore,
  makeTemporaryDirectory,
  storeFiles,
  TamperedStore,
  type Tampering,
} from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The full form changes every byte, and every bit of notes, tiles and headers; the short one a sample that differs from run to run. */
const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const sampledFlips = 24;
const HOUR_MS = 3_600_000;

const directory = makeTemporaryDirectory("tamper", { memory: true });
let target: TamperedStore;
let files: readonly string[];

beforeAll(async () => {
  target = new TamperedStore(await makeStore(directory.path));
  files = target.files;
});

afterAll(() => directory[Symbol.dispose]());

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** How a log record, a zstd frame and a seek table begin. */
const magics = [
  Buffer.from("EVWAL\0\0\x01", "latin1"),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  Buffer.from([0x5e, 0x2a, 0x4d, 0x18]),
];

function* headersIn(bytes: Uint8Array): Generator<{ readonly at: number; readonly end: number }> {
  const buffer = Buffer.from(bytes);
  for (const magic of magics) {
    for (let at = buffer.indexOf(magic); at >= 0; at = buffer.indexOf(magic, at + 1)) {
      const length = magic[0] === 0x45 ? 16 + buffer.readUInt32BE(at + 8) : 18;
      yield { at, end: Math.min(bytes.length, at + length) };
    }
  }
}

/** Byte positions where each bit counts: whole notes and tiles, the headers of log records, zstd frames and seek tables. */
function headerBytes(file: string, bytes: Uint8Array): readonly number[] {
  if (/\/(?:checkpoint|rotations\/|tile\/)/.test(file)) return [...bytes.keys()];
  return [...headersIn(bytes)].flatMap(({ at, end }) => Array.from({ length: end - at }, (_, i) => at + i));
}

/** Where a record, a frame or a seek table begins, but at 0. */
function bordersIn(bytes: Uint8Array): readonly number[] {
  return [...new Set([...headersIn(bytes)].map(({ at }) => at))].filter((at) => at > 0).sort((a, b) => a - b);
}

/** Bits to flip: one of each byte, and all eight where `headerBytes` says so. */
function bitsToFlip(file: string, bytes: Uint8Array, random: () => number): readonly number[] {
  const one = [...bytes.keys()].map((byte) => byte * 8 + (byte % 8));
  const all = headerBytes(file, bytes).flatMap((byte) => Array.from({ length: 8 }, (_, bit) => byte * 8 + bit));
  if (isSoak) return [...new Set([...one, ...all])];
  const sample = (from: readonly number[]): readonly number[] =>
    Array.from(
      { length: Math.min(from.length, sampledFlips / 2) },
      () => from[Math.floor(random() * from.length)] ?? 0,
    );
  return [...new Set([0, bytes.length * 8 - 1, ...sample(one), ...sample(all)])];
}

describe(`a cleanly stopped store (seed ${seed})`, () => {
  it("holds every kind of file and is verified", async () => {
    for (const pattern of [
      /^trails\/alpha\/checkpoint$/,
      /^trails\/alpha\/rotations\/\d{16}\.note$/,
      /^trails\/(?:alpha|beta)\/segments\/0{16}\.ndjson\.zst$/,
      /^trails\/(?:alpha|beta)\/segments\/0{13}256\.ndjson\.zst$/,
      /^trails\/alpha\/tails\//,
      /^trails\/beta\/tile\/0\/001$/,
      /^trails\/beta\/tile\/0\/002\.p\/\d+$/,
      /^trails\/beta\/tile\/1\/000\.p\/2$/,
      /^blobs\/alpha\//,
      /^blobs\/beta\//,
      /^wal\//,
    ]) {
      expect(files.filter((file) => pattern.test(file))).not.toEqual([]);
    }
    const report = await verifyDirectory(target.store.dataDir, { keys: target.store.genesis });
    expect(report.problems).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  it(
    "fails and names the file when any byte of it is changed",
    async () => {
      const random = makeRandom(seed);
      let count = 0;
      function* flips(): Generator<Tampering> {
        for (const file of files) {
          const bytes = target.read(file);
          for (const bit of bitsToFlip(file, bytes, random)) {
            count += 1;
            yield target.rewrite(`bit ${bit} of`, file, flipped(bytes, bit));
          }
        }
      }
      expect(await target.findUndetected(flips())).toEqual([]);
      if (isSoak) process.stderr.write(`${count} bits of ${files.length} files were changed, each was found\n`);
    },
    8 * HOUR_MS,
  );

  it(
    "fails and names the file when it is deleted, cut or made longer",
    async () => {
      function* changes(): Generator<Tampering> {
        for (const file of files) {
          const bytes = target.read(file);
          const deleted = target.rewrite("delete", file, undefined);
          // Nothing but its name in the log knows which file the log was.
          yield file.startsWith("wal/") ? { ...deleted, files: [file, "wal"] } : deleted;
          const lengths = new Set([0, bytes.length >> 1, bytes.length - 1]);
          for (const length of lengths) yield target.rewrite(`cut to ${length}`, file, bytes.subarray(0, length));
          for (const more of [new Uint8Array([0]), new Uint8Array([0x0a]), bytes]) {
            yield target.rewrite(`${more.length} bytes more in`, file, new Uint8Array(Buffer.concat([bytes, more])));
          }
        }
      }
      expect(await target.findUndetected(changes())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names the file when it is cut between two records or frames, or made to look like a crash",
    async () => {
      function* cuts(): Generator<Tampering> {
        for (const file of files) {
          const bytes = target.read(file);
          for (const border of bordersIn(bytes)) {
            const rest = bytes.subarray(0, border);
            yield target.rewrite(`cut at ${border}`, file, rest);
            if (!file.startsWith("wal/")) continue;
            const torn = bytes.subarray(border, border + Math.ceil((bytes.length - border) / 3));
            for (const more of [[], [torn]]) {
              const crashed = new Uint8Array(Buffer.concat([rest, ...more, Buffer.alloc(4096)]));
              yield target.rewrite(`zeros or a torn record from ${border}`, file, crashed);
            }
          }
        }
      }
      expect(await target.findUndetected(cuts())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names the file when a link to the same bytes, or a folder, is in its place",
    async () => {
      function* replaced(): Generator<Tampering> {
        for (const file of files) {
          yield target.replace("link", file, (path, aside) => symlinkSync(aside, path));
          yield target.replace("folder", file, (path) => mkdirSync(path));
        }
      }
      expect(await target.findUndetected(replaced())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names one of the files when two are swapped",
    async () => {
      const random = makeRandom(seed + 1);
      function* swaps(): Generator<Tampering> {
        for (const [i, left] of files.entries()) {
          const others = files
            .slice(i + 1)
            .filter((right) => !Buffer.from(target.read(left)).equals(target.read(right)));
          for (const right of isSoak ? others : others.filter(() => random() < 3 / files.length)) {
            yield target.swap(left, right);
          }
        }
      }
      expect(await target.findUndetected(swaps())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names a file that does not belong there",
    async () => {
      const folders = [...new Set(files.map((file) => dirname(file)))];
      const names = [
        "stray",
        ".hidden",
        "checkpoint.tmp",
        "00000001-00000099",
        "00000099-00000000.spare",
        "0000000000000512.ndjson.zst",
        "0000000000000005.note",
        "007",
        "000.p/9",
      ];
      function* strays(): Generator<Tampering> {
        for (const folder of [...folders, "trails", "wal", "trails/gamma", "trails/alpha"]) {
          for (const file of names.map((name) => `${folder}/${name}`)) {
            if (!files.includes(file)) yield target.add("stray", file, new Uint8Array([1]));
          }
        }
        for (const file of files) yield target.add("copy", `${file}.old`, target.read(file));
      }
      expect(await target.findUndetected(strays())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names a file that is put back as it was earlier",
    async () => {
      function* restored(): Generator<Tampering> {
        for (const [age, copy] of target.store.earlier.entries()) {
          for (const [file, bytes] of copy) {
            if (!files.includes(file)) yield target.add("again", file, bytes);
            else if (!Buffer.from(target.read(file)).equals(bytes)) yield target.rewrite(`copy ${age} of`, file, bytes);
          }
        }
      }
      expect(await target.findUndetected(restored())).toEqual([]);
    },
    HOUR_MS,
  );

  it(
    "fails and names a file of it when a whole trail, the log, or both are put back as they were earlier",
    async () => {
      // All of it together is a store as it once was: only a remembered head tells that from the newest one.
      const trails = ["alpha", "beta", "evident"].map((name) => `trails/${name}/`);
      const groups = [["wal/"], ["trails/"], ...trails.flatMap((prefix) => [[prefix], [prefix, "wal/"]])];
      function* restored(): Generator<Tampering> {
        for (const [age, copy] of target.store.earlier.entries()) {
          for (const prefixes of groups) {
            const tampering = target.putBack(`copy ${age} of ${prefixes.join(" and ")}`, copy, prefixes);
            if (tampering !== undefined) yield tampering;
          }
        }
      }
      expect(await target.findUndetected(restored())).toEqual([]);
    },
    HOUR_MS,
  );

  it("is verified again after all of it, so nothing above failed for another reason", async () => {
    const report = await verifyDirectory(target.store.dataDir, { keys: target.store.genesis });
    expect(report.problems).toEqual([]);
    expect(report.verdict).toBe("verified");
    expect(storeFiles(target.store.dataDir)).toEqual(files);
  });
});
