import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../../verify/index.ts";
import { type Ledger, nodeFileSystem } from "../index.ts";

const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

async function open(directory: string, disk: FaultyFileSystem): Promise<Ledger> {
  const ledger = await openSmallLedger(directory, { fileSystem: disk, segmentEntries: 1 << 20 });
  await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  return ledger;
}

const files = (directory: string, folder: string) => readdirSync(join(directory, "data/trails/alpha", folder));
const problems = async (directory: string) => (await verifyDirectory(join(directory, "data"), {})).problems;

describe("a seal that a full disk cuts off", () => {
  it("between a segment and its record is finished first, however much has been published since", async () => {
    using directory = makeTemporaryDirectory("seal");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk);
    await ledger.append("alpha", drafts("one", 300));
    disk.fail({ call: "rename", path: /\/segments\//, nth: 1, how: "applied", error: "ENOSPC" });
    await expect(ledger.seal("alpha", { tail: false })).rejects.toMatchObject({ code: "storage_full" });
    await ledger.append("alpha", drafts("two", 300));
    await ledger.seal("alpha", { tail: false });
    expect(files(directory.path, "segments")).toEqual(["0000000000000000.ndjson.zst", "0000000000000256.ndjson.zst"]);
    expect(ledger.trail("alpha")?.sealedSize).toBe(512);
    await ledger.close();
    expect(await problems(directory.path)).toEqual([]);
  });

  it("between a tail and its record leaves no tail that nothing explains", async () => {
    using directory = makeTemporaryDirectory("seal");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk);
    await ledger.append("alpha", drafts("one", 3));
    disk.fail({ call: "rename", path: /\/tails\//, nth: 1, how: "applied", error: "ENOSPC" });
    await expect(ledger.seal("alpha", { tail: true })).rejects.toMatchObject({ code: "storage_full" });
    await ledger.append("alpha", drafts("two", 3));
    await ledger.seal("alpha", { tail: true });
    expect(files(directory.path, "tails")).toEqual(["0000000000000000-0000000000000006.ndjson.zst"]);
    await ledger.close();
    expect(await problems(directory.path)).toEqual([]);
  });

  it("is finished by a stop, the removal of what it supersedes included", async () => {
    using directory = makeTemporaryDirectory("seal");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk);
    await ledger.append("alpha", drafts("one", 3));
    await ledger.seal("alpha", { tail: true });
    await ledger.append("alpha", drafts("two", 3));
    disk.fail({ call: "unlink", path: /\/tails\//, nth: 1, how: "lost", error: "ENOSPC" });
    await expect(ledger.seal("alpha", { tail: true })).rejects.toMatchObject({ code: "storage_full" });
    await ledger.append("alpha", drafts("three", 3));
    disk.fail({ call: "rename", path: /\/tails\//, nth: 1, how: "applied", error: "ENOSPC" });
    await expect(ledger.seal("alpha", { tail: true })).rejects.toMatchObject({ code: "storage_full" });
    await ledger.close();
    expect(files(directory.path, "tails")).toEqual(["0000000000000000-0000000000000009.ndjson.zst"]);
    expect(await problems(directory.path)).toEqual([]);
  });

  it("in the background raises one alarm, ends nothing, and is made up for when there is room", async () => {
    using directory = makeTemporaryDirectory("seal");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const alarms: string[] = [];
    const ledger = await openSmallLedger(directory.path, {
      fileSystem: disk,
      sealAgeMs: 1,
      onAlarm: ({ kind, detail }) => alarms.push(`${kind} ${detail.slice(0, 13)}`),
    });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    disk.fail({ call: "rename", path: /\/tails\//, nth: 1, how: "lost", error: "ENOSPC", times: 2 });
    await ledger.append("alpha", drafts("one", 3));
    for (let i = 0; i < 120 && (ledger.trail("alpha")?.sealedSize ?? 0) < 3; i += 1) await sleep(100);
    expect(ledger.trail("alpha")?.sealedSize).toBe(3);
    expect(alarms).toEqual(["storage_full sealing waits"]);
    await ledger.append("alpha", drafts("two", 3));
    await ledger.close();
    expect(await problems(directory.path)).toEqual([]);
  });
});
