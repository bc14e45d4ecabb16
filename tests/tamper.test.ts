import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type VerifyReport, verifyDirectory } from "@evident/server";
import { type MadeStore, makeRandom, makeStore, makeTemporaryDirectory, storeFiles } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The full form changes every byte, and every bit of notes, tiles and headers; the short one a sample that differs from run to run. */
const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const sampledFlips = 24;

/** One change to a store: what the report must name, how to make it, how to undo it. */
interface Tampering {
  readonly name: string;
  /** Files of which the report must name at least one. */
  readonly files: readonly string[];
  apply(): void;
  undo(): void;
}

const directory = makeTemporaryDirectory("tamper");
let store: MadeStore;
let files: readonly string[];

beforeAll(async () => {
  store = await makeStore(directory.path);
  files = storeFiles(store.dataDir);
  for (const file of files) chmodSync(join(store.dataDir, file), 0o600);
});

afterAll(() => directory[Symbol.dispose]());

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(join(store.dataDir, file)));

function write(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(store.dataDir, file)), { recursive: true });
  writeFileSync(join(store.dataDir, file), bytes);
}

/** A change of one file's content; `content` undefined removes the file. */
function rewrite(name: string, file: string, content: Uint8Array | undefined): Tampering {
  const original = read(file);
  return {
    name: `${name} ${file}`,
    files: [file],
    apply: () => (content === undefined ? rmSync(join(store.dataDir, file)) : write(file, content)),
    undo: () => write(file, original),
  };
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

const magics = [
  Buffer.from("EVWAL\0\0\x01", "latin1"),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  Buffer.from([0x5e, 0x2a, 0x4d, 0x18]),
];

/** Byte positions where each bit counts: whole notes and tiles, the headers of log records, zstd frames and seek tables. */
function headerBytes(file: string, bytes: Uint8Array): readonly number[] {
  if (/\/(?:checkpoint|rotations\/|tile\/)/.test(file)) return [...bytes.keys()];
  const found: number[] = [];
  for (const magic of magics) {
    for (let at = Buffer.from(bytes).indexOf(magic); at >= 0; at = Buffer.from(bytes).indexOf(magic, at + 1)) {
      const isLog = magic[0] === 0x45;
      const length = isLog ? 16 + Buffer.from(bytes).readUInt32BE(at + 8) : 18;
      for (let byte = at; byte < Math.min(bytes.length, at + length); byte += 1) found.push(byte);
    }
  }
  return found;
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

/** Verifies the tampered store and returns what is wrong with the report, if anything. */
async function judge(tampering: Tampering): Promise<string | undefined> {
  tampering.apply();
  try {
    const report = await verifyDirectory(store.dataDir, { keys: store.genesis });
    if (report.verdict !== "failed") return `${tampering.name}: ${report.verdict} ${summary(report)}`;
    const isNamed = report.problems.some(({ file }) => file !== undefined && tampering.files.includes(file));
    return isNamed ? undefined : `${tampering.name}: the report names another place: ${summary(report)}`;
  } catch (error) {
    return `${tampering.name}: ${error instanceof Error ? error.stack : String(error)}`;
  } finally {
    tampering.undo();
  }
}

function summary(report: VerifyReport): string {
  return report.problems.map(({ kind, file, trail, index }) => `${kind} ${file} ${trail}:${index}`).join("; ");
}

async function findUndetected(tamperings: Iterable<Tampering>): Promise<readonly string[]> {
  const undetected: string[] = [];
  for (const tampering of tamperings) {
    const missed = await judge(tampering);
    if (missed !== undefined && undetected.push(missed) >= 20) break;
  }
  return undetected;
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
    const report = await verifyDirectory(store.dataDir, { keys: store.genesis });
    expect(report.problems).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  it(
    "fails and names the file when any byte of it is changed",
    async () => {
      const random = makeRandom(seed);
      function* flips(): Generator<Tampering> {
        for (const file of files) {
          const bytes = read(file);
          for (const bit of bitsToFlip(file, bytes, random)) yield rewrite(`bit ${bit} of`, file, flipped(bytes, bit));
        }
      }
      expect(await findUndetected(flips())).toEqual([]);
    },
    8 * 3_600_000,
  );

  it("fails and names the file when it is deleted, cut or made longer", async () => {
    function* changes(): Generator<Tampering> {
      for (const file of files) {
        const bytes = read(file);
        const deleted = rewrite("delete", file, undefined);
        // Nothing but its name in the log knows which file the log was.
        yield file.startsWith("wal/") ? { ...deleted, files: [file, "wal"] } : deleted;
        const lengths = new Set([0, bytes.length >> 1, bytes.length - 1]);
        for (const length of lengths) yield rewrite(`cut to ${length}`, file, bytes.subarray(0, length));
        for (const more of [new Uint8Array([0]), new Uint8Array([0x0a]), bytes]) {
          yield rewrite(`${more.length} bytes more in`, file, new Uint8Array(Buffer.concat([bytes, more])));
        }
      }
    }
    expect(await findUndetected(changes())).toEqual([]);
  }, 3_600_000);

  it("fails and names one of the files when two are swapped", async () => {
    const random = makeRandom(seed + 1);
    function* swaps(): Generator<Tampering> {
      for (const [i, left] of files.entries()) {
        const others = files.slice(i + 1).filter((right) => !Buffer.from(read(left)).equals(read(right)));
        for (const right of isSoak ? others : others.filter(() => random() < 3 / files.length)) {
          yield {
            name: `swap ${left} and ${right}`,
            files: [left, right],
            apply: () => swap(left, right),
            undo: () => swap(left, right),
          };
        }
      }
    }
    expect(await findUndetected(swaps())).toEqual([]);
  }, 3_600_000);

  it("fails and names a file that does not belong there", async () => {
    const folders = [...new Set(files.map((file) => dirname(file)))];
    const names = [
      "stray",
      ".hidden",
      "checkpoint.tmp",
      "00000001-00000099",
      "0000000000000512.ndjson.zst",
      "007",
      "000.p/9",
    ];
    function* strays(): Generator<Tampering> {
      for (const file of [...folders, "trails", "wal", "trails/gamma", "trails/alpha"].flatMap((folder) =>
        names.map((name) => `${folder}/${name}`),
      )) {
        if (files.includes(file)) continue;
        yield {
          name: `stray ${file}`,
          files: [file],
          apply: () => write(file, new Uint8Array([1])),
          undo: () => removeStray(file),
        };
      }
      for (const file of files) {
        const copy = `${file}.old`;
        yield {
          name: `copy ${copy}`,
          files: [copy],
          apply: () => write(copy, read(file)),
          undo: () => removeStray(copy),
        };
      }
    }
    expect(await findUndetected(strays())).toEqual([]);
  }, 3_600_000);

  it("fails and names a file that is put back as it was earlier", async () => {
    function* restored(): Generator<Tampering> {
      for (const [file, versions] of store.earlier) {
        const now = files.includes(file) ? Buffer.from(read(file)) : undefined;
        for (const [age, bytes] of versions.entries()) {
          if (now?.equals(bytes) === true) continue;
          if (now !== undefined) yield rewrite(`version ${age} of`, file, bytes);
          else
            yield {
              name: `${file} again`,
              files: [file],
              apply: () => write(file, bytes),
              undo: () => removeStray(file),
            };
        }
      }
    }
    expect(await findUndetected(restored())).toEqual([]);
  }, 3_600_000);

  it("is verified again after all of it, so nothing above failed for another reason", async () => {
    const report = await verifyDirectory(store.dataDir, { keys: store.genesis });
    expect(report.problems).toEqual([]);
    expect(report.verdict).toBe("verified");
    expect(storeFiles(store.dataDir)).toEqual(files);
  });
});

function swap(left: string, right: string): void {
  const aside = join(store.dataDir, "aside");
  renameSync(join(store.dataDir, left), aside);
  renameSync(join(store.dataDir, right), join(store.dataDir, left));
  renameSync(aside, join(store.dataDir, right));
}

/** Removes a file and the folders that only it was in. */
function removeStray(file: string): void {
  rmSync(join(store.dataDir, file));
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (files.some((each) => each.startsWith(`${folder}/`)) || !folder.includes("/")) return;
    rmSync(join(store.dataDir, folder), { recursive: true });
  }
}
