import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Storage, Wal } from "./types.ts";

/** A place for one store: `open` may be called again to see what is stored there. */
export interface StoragePlace {
  open(): Storage;
  dispose(): void;
}

const FILE_BYTES = 64 * 1024;

export async function* records(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

/** A record of one repeated byte, never 0. */
export function makeRecord(value: number, sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).fill(1 + (value % 255));
}

/** What every `Wal` must do, whatever stores it. */
export function walContract(make: () => StoragePlace): void {
  let place: StoragePlace;
  let storage: Storage;
  beforeEach(() => {
    place = make();
    storage = place.open();
  });
  afterEach(() => place.dispose());

  async function start(epoch = 1, first: readonly Uint8Array[] = [makeRecord(0, 100)]): Promise<Wal> {
    const { wal } = await storage.openWal(epoch, records(...first), { fileBytes: FILE_BYTES });
    return wal;
  }

  async function bytesOf(file: string): Promise<Uint8Array> {
    const found = (await place.open().walFiles()).find((each) => each.file === file);
    return place.open().readWalFile(file, 0, found?.sizeBytes ?? 0);
  }

  describe("a log", () => {
    it("holds the first records of an epoch in one file, in order, with zeros behind them", async () => {
      const first = [makeRecord(0, 10), makeRecord(1, 5_000), makeRecord(2, 1)];
      const { wal, placed } = await storage.openWal(7, records(...first), { fileBytes: FILE_BYTES });
      expect(placed.map(({ offset }) => offset)).toEqual([0, 10, 5_010]);
      expect(placed.every(({ file }) => file === "00000007-00000000")).toBe(true);
      const bytes = await bytesOf("00000007-00000000");
      expect(bytes.subarray(0, 5_011)).toEqual(new Uint8Array(Buffer.concat(first)));
      expect(bytes.subarray(5_011).every((byte) => byte === 0)).toBe(true);
      await wal.close(undefined);
    });

    it("appends where it says, and shows it to another reader at once", async () => {
      const wal = await start();
      const record = makeRecord(9, 3_000);
      const { file, offset } = await wal.append(record);
      expect(offset).toBe(100);
      expect(await place.open().readWalFile(file, offset, record.length)).toEqual(record);
      expect(await wal.read(file, offset, record.length)).toEqual(record);
      await wal.close(undefined);
    });

    it("refuses two appends at once", async () => {
      const wal = await start();
      const both = await Promise.allSettled([wal.append(makeRecord(1, 10)), wal.append(makeRecord(2, 10))]);
      expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      await wal.close(undefined);
    });

    it("gives back what it reserved when it ends, and takes nothing but the closing record then", async () => {
      const wal = await start();
      await wal.append(makeRecord(1, 50));
      await wal.end();
      await wal.end();
      expect(await bytesOf("00000001-00000000")).toHaveLength(150);
      expect(wal.reservedBytes).toBe(0);
      await expect(wal.append(makeRecord(4, 1))).rejects.toMatchObject({ code: "storage_failed" });
      await wal.close(makeRecord(2, 30));
      expect((await bytesOf("00000001-00000000")).subarray(150)).toEqual(makeRecord(2, 30));
    });

    it("closes with the last record exactly at the end, once", async () => {
      const wal = await start();
      await wal.append(makeRecord(1, 50));
      await wal.close(makeRecord(2, 30));
      await wal.close(makeRecord(3, 30));
      const expected = Buffer.concat([makeRecord(0, 100), makeRecord(1, 50), makeRecord(2, 30)]);
      expect(await bytesOf("00000001-00000000")).toEqual(new Uint8Array(expected));
      expect(await place.open().walFiles()).toHaveLength(1);
      await expect(wal.append(makeRecord(4, 1))).rejects.toMatchObject({ code: "storage_failed" });
    });
  });

  rotation(start, bytesOf, () => place.open());
}

function rotation(
  start: (epoch?: number, first?: readonly Uint8Array[]) => Promise<Wal>,
  bytesOf: (file: string) => Promise<Uint8Array>,
  open: () => Storage,
): void {
  async function fill(wal: Wal, count: number, sizeBytes: number): Promise<{ file: string; offset: number }[]> {
    const places: { file: string; offset: number }[] = [];
    for (let i = 0; i < count; i += 1) {
      const record = makeRecord(i, sizeBytes);
      await wal.reserve(record.length);
      expect(wal.reservedBytes).toBeGreaterThanOrEqual(record.length);
      places.push(await wal.append(record));
    }
    return places;
  }

  describe("a log that fills its files", () => {
    it("rotates to files with rising numbers, and a full one ends at its last record", async () => {
      const wal = await start();
      const places = await fill(wal, 30, 7_001);
      const files = await open().walFiles();
      expect(files.length).toBeGreaterThan(2);
      expect(files.map(({ file }) => file)).toEqual([...new Set(places.map(({ file }) => file))]);
      for (const { file, sizeBytes } of files.slice(0, -1)) {
        const last = places.findLast((each) => each.file === file);
        expect(sizeBytes).toBe((last?.offset ?? 0) + 7_001);
      }
      for (const [i, { file, offset }] of places.entries()) {
        expect(await wal.read(file, offset, 7_001)).toEqual(makeRecord(i, 7_001));
      }
      expect(wal.totalBytes).toBe(100 + 30 * 7_001);
      await wal.close(undefined);
    });

    it("takes a record larger than a file", async () => {
      const wal = await start();
      const large = makeRecord(5, FILE_BYTES * 5 + 3);
      const { file, offset } = await wal.append(large);
      expect(await wal.read(file, offset, large.length)).toEqual(large);
      const after = await wal.append(makeRecord(6, 10));
      expect(await wal.read(after.file, after.offset, 10)).toEqual(makeRecord(6, 10));
      await wal.close(undefined);
    });

    it("removes what it is told, but never the current file", async () => {
      const wal = await start();
      await fill(wal, 30, 7_001);
      const before = await open().walFiles();
      await wal.remove(before.map(({ file }) => file));
      await wal.remove(before.map(({ file }) => file));
      const after = await open().walFiles();
      expect(after).toEqual(before.slice(-1));
      expect(wal.totalBytes).toBeLessThan(FILE_BYTES * 2);
      await wal.append(makeRecord(1, 100));
      await wal.close(makeRecord(2, 9));
      expect((await bytesOf(after[0]?.file ?? "")).at(-1)).toBe(makeRecord(2, 9)[0]);
    });

    it("starts the next epoch beside the old files, which are removed afterwards", async () => {
      const old = await start();
      await fill(old, 12, 7_001);
      const before = (await open().walFiles()).map(({ file }) => file);
      const wal = await start(2, [makeRecord(8, 20)]);
      expect((await open().walFiles()).map(({ file }) => file)).toEqual([...before, "00000002-00000000"]);
      await open().removeWalFiles(before);
      await open().removeWalFiles(before);
      expect((await open().walFiles()).map(({ file }) => file)).toEqual(["00000002-00000000"]);
      await wal.close(undefined);
    });
  });
}
