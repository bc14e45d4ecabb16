import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "@evident/core";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../verify/index.ts";
import { type Ledger, nodeFileSystem } from "./index.ts";

const note = /\/alpha\/rotations\/\d{16}\.note$/;
const checkpoint = /\/alpha\/checkpoint$/;

async function openWithAlpha(directory: string, disk: FaultyFileSystem): Promise<Ledger> {
  // Nothing is published by time, so that each fault meets the step it is meant for.
  const ledger = await openSmallLedger(directory, { fileSystem: disk, publishIntervalMs: 3_600_000 });
  await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  await ledger.append("alpha", [makeDraft("one"), makeDraft("two")]);
  return ledger;
}

const verify = async (directory: string) => {
  const { verdict, problems } = await verifyDirectory(join(directory, "data"), {});
  return { verdict, problems: problems.map(({ trail, kind }) => `${trail} ${kind}`) };
};

const signedBy = (ledger: Ledger, keys: readonly string[]): boolean =>
  openCheckpoint(ledger.published("alpha").note, keys, { strict: true }).kind === "valid";

describe("a change of keys on a full disk", () => {
  for (const [step, path] of [
    ["the note", note],
    ["the checkpoint", checkpoint],
  ] as const) {
    for (const how of ["lost", "applied"] as const) {
      it(`that meets it at ${step} (${how}) is finished by the next publish, and a clean stop leaves nothing of it`, async () => {
        using directory = makeTemporaryDirectory("rotate");
        const disk = new FaultyFileSystem(nodeFileSystem);
        const ledger = await openWithAlpha(directory.path, disk);
        await ledger.seal("alpha", { tail: false });
        const before = ledger.trail("alpha")?.keys ?? [];
        disk.fail({ call: "rename", path, nth: 1, how, error: "ENOSPC" });
        await expect(ledger.rotateKeys("alpha", "test")).rejects.toMatchObject({ code: "storage_full" });
        expect(signedBy(ledger, before)).toBe(true);
        await ledger.append("alpha", [makeDraft("three")]);
        await ledger.seal("alpha", { tail: false });
        const after = ledger.trail("alpha")?.keys ?? [];
        expect(after).not.toEqual(before);
        expect(signedBy(ledger, after)).toBe(true);
        expect((await ledger.rotations("alpha")).map(({ size }) => size)).toEqual([2]);
        await ledger.close();
        expect(await verify(directory.path)).toEqual({ verdict: "verified", problems: [] });
      });
    }
  }

  it("is finished by a stop, too", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openWithAlpha(directory.path, disk);
    await ledger.seal("alpha", { tail: false });
    disk.fail({ call: "rename", path: checkpoint, nth: 1, how: "lost", error: "ENOSPC" });
    await expect(ledger.rotateKeys("alpha", "test")).rejects.toMatchObject({ code: "storage_full" });
    await ledger.close();
    expect(await verify(directory.path)).toEqual({ verdict: "verified", problems: [] });
  });

  it("is finished, not doubled, by asking again", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openWithAlpha(directory.path, disk);
    await ledger.seal("alpha", { tail: false });
    disk.fail({ call: "rename", path: note, nth: 1, how: "lost", error: "ENOSPC" });
    await expect(ledger.rotateKeys("alpha", "test")).rejects.toMatchObject({ code: "storage_full" });
    await ledger.rotateKeys("alpha", "test");
    expect(readdirSync(join(directory.path, "data.keys/trails")).filter((name) => name.startsWith("alpha."))).toEqual([
      "alpha.1.key",
      "alpha.2.key",
    ]);
    await ledger.close();
    expect(await verify(directory.path)).toEqual({ verdict: "verified", problems: [] });
  });
});

describe("a change of keys that a crash cuts off", () => {
  async function crashAt(directory: string, path: RegExp): Promise<string> {
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openWithAlpha(directory, disk);
    await ledger.seal("alpha", { tail: false });
    disk.fail({ call: "rename", path, nth: 1, how: "crash_before" });
    void ledger.rotateKeys("alpha", "test");
    await disk.crashed;
    const copy = join(directory, "crashed");
    for (const part of ["data", "data.keys"]) {
      cpSync(join(directory, part), join(copy, part), {
        recursive: true,
        filter: (name) => !name.endsWith("lock.sqlite"),
      });
    }
    return copy;
  }

  it("before its note is reported as interrupted, and the next start finishes it", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const crashed = await crashAt(directory.path, note);
    expect(await verify(crashed)).toEqual({ verdict: "gaps", problems: ["alpha interrupted"] });
    await (await openSmallLedger(crashed)).close();
    expect(await verify(crashed)).toEqual({ verdict: "verified", problems: [] });
  });

  it("before its checkpoint leaves one of the old keys, which the next start signs anew although nothing was added", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const crashed = await crashAt(directory.path, checkpoint);
    expect(await verify(crashed)).toEqual({ verdict: "verified", problems: [] });
    const again = await openSmallLedger(crashed);
    expect(signedBy(again, again.trail("alpha")?.keys ?? [])).toBe(true);
    await again.close();
    expect(await verify(crashed)).toEqual({ verdict: "verified", problems: [] });
  });
});

describe("a rotation note", () => {
  it("of evident is for the first size that holds its own statement", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const ledger = await openSmallLedger(directory.path);
    const load = Promise.all(
      Array.from({ length: 50 }, (_, i) => ledger.appendStatement({ type: "test.noise", number: i })),
    );
    await ledger.rotateKeys("evident", "test");
    await load;
    const [rotation] = await ledger.rotations("evident");
    const line = await ledger.entry("evident", (rotation?.size ?? 0) - 1);
    const { statement } = JSON.parse(new TextDecoder().decode(line)) as { statement: object };
    expect(statement).toMatchObject({ type: "signing_key.rotated", trail: "evident", size: rotation?.size });
    await ledger.close();
    expect(await verify(directory.path)).toEqual({ verdict: "verified", problems: [] });
  });

  it("that is gone or altered keeps the server from starting, once the new keys are in use", async () => {
    using directory = makeTemporaryDirectory("rotate");
    const ledger = await openWithAlpha(directory.path, new FaultyFileSystem(nodeFileSystem));
    await ledger.rotateKeys("alpha", "test");
    await ledger.close();
    const path = join(directory.path, "data/trails/alpha/rotations/0000000000000002.note");
    expect(existsSync(path)).toBe(true);
    rmSync(path);
    await expect(openSmallLedger(directory.path)).rejects.toMatchObject({ code: "corrupt_store" });
    cpSync(join(directory.path, "data/trails/alpha/checkpoint"), path);
    await expect(openSmallLedger(directory.path)).rejects.toMatchObject({ code: "corrupt_store" });
  });
});
