import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../../verify/index.ts";
import { nodeFileSystem } from "../index.ts";

const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

function copyStore(from: string, to: string): string {
  const filter = (name: string): boolean => !name.endsWith("lock.sqlite");
  for (const part of ["data", "data.keys"]) cpSync(join(from, part), join(to, part), { recursive: true, filter });
  return to;
}

describe("a start that is cut off", () => {
  it("again and again between the new log and the removal of the old one is still made up for by the next", async () => {
    using directory = makeTemporaryDirectory("recovery");
    const first = await openSmallLedger(directory.path);
    await first.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await first.append("alpha", drafts("one", 10));
    let store = copyStore(directory.path, join(directory.path, "0"));
    await first.close();
    for (const attempt of [1, 2, 3, 4]) {
      const disk = new FaultyFileSystem(nodeFileSystem);
      disk.fail({ call: "syncDirectory", path: /\/wal$/, nth: 1, how: "crash_after" });
      void openSmallLedger(store, { fileSystem: disk });
      await disk.crashed;
      store = copyStore(store, join(directory.path, String(attempt)));
      expect((await verifyDirectory(join(store, "data"), {})).problems).toEqual([]);
    }
    const again = await openSmallLedger(store);
    expect(again.trail("alpha")?.size).toBe(10);
    await again.close();
    expect((await verifyDirectory(join(store, "data"), {})).verdict).toBe("verified");
  });
});

describe("a start", () => {
  /** A store whose `evident` is sealed, as it was left running, and an older checkpoint and tiles of `evident`. */
  async function makeSealed(directory: string): Promise<{ readonly store: string; readonly old: string }> {
    const ledger = await openSmallLedger(directory, { publishIntervalMs: 3_600_000 });
    await ledger.seal("evident", { tail: false });
    const old = copyStore(directory, join(directory, "old"));
    for (let i = 0; i < 300; i += 1) void ledger.appendStatement({ type: "test.noise", number: i });
    await ledger.appendStatement({ type: "test.noise", number: 300 });
    await ledger.seal("evident", { tail: true });
    const store = copyStore(directory, join(directory, "sealed"));
    await ledger.close();
    return { store, old };
  }

  it("refuses a store whose checkpoint is gone although entries are sealed, and signs no other tree", async () => {
    using directory = makeTemporaryDirectory("recovery");
    const { store } = await makeSealed(directory.path);
    rmSync(join(store, "data/trails/evident/checkpoint"));
    await expect(openSmallLedger(store)).rejects.toMatchObject({ code: "rolled_back" });
    expect(existsSync(join(store, "data/trails/evident/checkpoint"))).toBe(false);
  });

  it("refuses a store whose checkpoint was put back to one before what is sealed", async () => {
    using directory = makeTemporaryDirectory("recovery");
    const { store, old } = await makeSealed(directory.path);
    for (const part of ["checkpoint", "tile"]) {
      rmSync(join(store, "data/trails/evident", part), { recursive: true });
      cpSync(join(old, "data/trails/evident", part), join(store, "data/trails/evident", part), { recursive: true });
    }
    await expect(openSmallLedger(store)).rejects.toMatchObject({ code: "rolled_back" });
  });

  it("refuses a stopped store that is not as its closing record says", async () => {
    using directory = makeTemporaryDirectory("recovery");
    const ledger = await openSmallLedger(directory.path);
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await ledger.append("alpha", drafts("one", 10));
    await ledger.waitPublished("alpha", 10);
    const old = copyStore(directory.path, join(directory.path, "old"));
    await ledger.append("alpha", drafts("two", 10));
    await ledger.close();
    const stopped = copyStore(directory.path, join(directory.path, "stopped"));
    await (await openSmallLedger(copyStore(stopped, join(directory.path, "control")))).close();
    for (const part of ["checkpoint", "tile"]) {
      rmSync(join(stopped, "data/trails/alpha", part), { recursive: true });
      cpSync(join(old, "data/trails/alpha", part), join(stopped, "data/trails/alpha", part), { recursive: true });
    }
    await expect(openSmallLedger(stopped)).rejects.toMatchObject({ code: "rolled_back" });
  });

  it("refuses data whose keys are lost in part, and makes none of its own in their place", async () => {
    using directory = makeTemporaryDirectory("recovery");
    await (await openSmallLedger(directory.path)).close();
    for (const name of ["mac.key", "wal.key", "statement.key", "trails/evident.1.key"]) {
      const store = copyStore(directory.path, join(directory.path, name.replace("/", "-")));
      const key = join(store, "data.keys", name);
      rmSync(key);
      await expect(openSmallLedger(store)).rejects.toMatchObject({ code: "corrupt_store" });
      expect(existsSync(key)).toBe(false);
      writeFileSync(key, readFileSync(join(directory.path, "data.keys", name)).subarray(0, 20));
      await expect(openSmallLedger(store)).rejects.toMatchObject({ code: "corrupt_store" });
    }
    const foreign = join(directory.path, "foreign");
    cpSync(join(directory.path, "data"), join(foreign, "data"), { recursive: true });
    await expect(openSmallLedger(foreign)).rejects.toMatchObject({ code: "corrupt_store" });
    expect(readdirSync(join(foreign, "data.keys"), { recursive: true })).toEqual(["trails"]);
  });

  it("discards an index of identities that covers more than is stored: an event that is gone is new again", async () => {
    using directory = makeTemporaryDirectory("recovery");
    const ledger = await openSmallLedger(directory.path);
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await ledger.append("alpha", drafts("one", 10));
    await ledger.close();
    const restored = copyStore(directory.path, join(directory.path, "restored"));
    const later = await openSmallLedger(directory.path);
    await later.append("alpha", drafts("two", 10));
    await later.close();
    rmSync(join(restored, "data/index"), { recursive: true });
    cpSync(join(directory.path, "data/index"), join(restored, "data/index"), { recursive: true });
    const again = await openSmallLedger(restored);
    const results = await again.append("alpha", [...drafts("one", 1), ...drafts("two", 1)]);
    expect(results).toMatchObject([
      { status: "duplicate", index: 0 },
      { status: "stored", index: 10 },
    ]);
    await again.close();
  });
});
