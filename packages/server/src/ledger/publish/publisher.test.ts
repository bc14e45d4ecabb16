import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../../verify/index.ts";
import { type Ledger, nodeFileSystem } from "../index.ts";

const problems = async (directory: string) => (await verifyDirectory(join(directory, "data"), {})).problems;

function partials(directory: string): readonly string[] {
  return readdirSync(join(directory, "data/trails/alpha/tile/0/000.p"));
}

async function open(directory: string, disk: FaultyFileSystem, publishIntervalMs = 3_600_000): Promise<Ledger> {
  const ledger = await openSmallLedger(directory, { fileSystem: disk, publishIntervalMs });
  await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  return ledger;
}

async function publish(ledger: Ledger, id: string): Promise<void> {
  await ledger.append("alpha", [makeDraft(id)]);
  await ledger.seal("alpha", { tail: false });
}

describe("a publish that a full disk cuts off", () => {
  for (const [what, call, path] of [
    ["between its tiles and its checkpoint", "rename", /\/alpha\/checkpoint$/],
    ["after its checkpoint", "unlink", /\/alpha\/tile\/0\/000\.p\/1$/],
  ] as const) {
    for (const how of ["lost", "applied"] as const) {
      it(`${what} (${how}) leaves no partial tile behind once another has followed`, async () => {
        using directory = makeTemporaryDirectory("publish");
        const disk = new FaultyFileSystem(nodeFileSystem);
        const ledger = await open(directory.path, disk);
        await publish(ledger, "one");
        disk.fail({ call, path, nth: 1, how, error: "ENOSPC" });
        await expect(publish(ledger, "two")).rejects.toMatchObject({ code: "storage_full" });
        await publish(ledger, "three");
        expect(partials(directory.path)).toEqual(["3"]);
        await ledger.close();
        expect(await problems(directory.path)).toEqual([]);
      });
    }
  }

  it("tells who waits for the head all the same, when only what it replaces could not be removed", async () => {
    using directory = makeTemporaryDirectory("publish");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk);
    await publish(ledger, "one");
    disk.fail({ call: "unlink", path: /\.p\/1$/, nth: 1, how: "lost", error: "ENOSPC" });
    const head = ledger.waitPublished("alpha", 2, AbortSignal.timeout(2_000));
    await expect(publish(ledger, "two")).rejects.toMatchObject({ code: "storage_full" });
    expect((await head).size).toBe(2);
    await ledger.close();
    expect(await problems(directory.path)).toEqual([]);
  });

  it("is made up for by time alone, for a trail without entries too", async () => {
    using directory = makeTemporaryDirectory("publish");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openSmallLedger(directory.path, { fileSystem: disk, publishIntervalMs: 5 });
    disk.fail({ call: "rename", path: /\/alpha\/checkpoint$/, nth: 1, how: "lost", error: "ENOSPC" });
    const made = ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await expect(made).rejects.toMatchObject({ code: "storage_full" });
    for (let i = 0; i < 200 && ledger.published("alpha").note.length === 0; i += 1) await sleep(10);
    expect(ledger.published("alpha").note.length).toBeGreaterThan(0);
    await ledger.close();
    expect(await problems(directory.path)).toEqual([]);
  });
});

describe("a publish that fails", () => {
  it("ends the ledger: nothing is written after it, and no clean stop is stated", async () => {
    using directory = makeTemporaryDirectory("publish");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk, 5);
    disk.fail({ call: "syncDirectory", path: /\/alpha$/, nth: 1, how: "lost", error: "ENOSPC" });
    await ledger.append("alpha", [makeDraft("one")]);
    await expect(ledger.failed).resolves.toMatchObject({ code: "storage_failed" });
    await expect(ledger.append("alpha", [makeDraft("two")])).rejects.toMatchObject({ code: "storage_failed" });
    await expect(ledger.waitPublished("alpha", 9)).rejects.toMatchObject({ code: "storage_failed" });
    await sleep(30);
    const calls = disk.count();
    await sleep(30);
    await expect(ledger.close()).rejects.toMatchObject({ code: "storage_failed" });
    expect(disk.count()).toBe(calls);
    const again = await openSmallLedger(directory.path);
    expect(again.trail("alpha")?.size).toBe(1);
    await again.close();
    expect(await problems(directory.path)).toEqual([]);
  });
});

describe("who waits for a head", () => {
  it("is sent away at once when he has given up before, and when the server stops", async () => {
    using directory = makeTemporaryDirectory("publish");
    const ledger = await open(directory.path, new FaultyFileSystem(nodeFileSystem));
    await expect(ledger.waitPublished("alpha", 5, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    const waiting = ledger.waitPublished("alpha", 5);
    const closing = ledger.close();
    await expect(waiting).rejects.toMatchObject({ code: "not_ready" });
    await closing;
    await expect(ledger.waitPublished("alpha", 5)).rejects.toMatchObject({ code: "not_ready" });
  });
});
