import { join } from "node:path";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../verify/index.ts";
import { nodeFileSystem } from "./index.ts";

const verify = (directory: string) => verifyDirectory(join(directory, "data"), {});

describe("a stop", () => {
  it("finishes what was begun before it and refuses what comes after, so that nothing follows server.stopped", async () => {
    using directory = makeTemporaryDirectory("close");
    const ledger = await openSmallLedger(directory.path);
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    const before = [
      ledger.append("alpha", [makeDraft("one")]),
      ledger.createTrail({ name: "beta", tenant: "acme", by: "test" }),
      ledger.rotateKeys("evident", "test"),
      ledger.seal("alpha", { tail: true }),
    ];
    const closing = ledger.close();
    const after = [
      ledger.append("alpha", [makeDraft("two")]),
      ledger.appendStatement({ type: "test.noise" }),
      ledger.createTrail({ name: "gamma", tenant: "acme", by: "test" }),
      ledger.rotateKeys("alpha", "test"),
      ledger.seal("alpha", { tail: true }),
      ledger.confirmClock("test"),
    ];
    for (const refused of after) await expect(refused).rejects.toMatchObject({ code: "not_ready" });
    await Promise.all(before);
    await closing;
    expect(await verify(directory.path)).toMatchObject({ verdict: "verified", problems: [] });
  });

  it("states no step of the clock behind server.stopped", async () => {
    using directory = makeTemporaryDirectory("close");
    let stepMs = 0;
    let isClosing = false;
    // The wall clock steps whenever it is asked during the stop.
    const clock = {
      wallMs: () => Date.parse("2026-01-01T00:00:00Z") + (isClosing ? (stepMs += 3_600_000) : 0),
      monotonicMs: () => 1_000,
    };
    const alarms: string[] = [];
    const ledger = await openSmallLedger(directory.path, { clock, onAlarm: ({ kind }) => alarms.push(kind) });
    isClosing = true;
    await ledger.close();
    expect(alarms).toContain("clock_stepped");
    expect(await verify(directory.path)).toMatchObject({ verdict: "verified", problems: [] });
  });

  it("does not wait for a full disk: it fails, and the next start recovers", async () => {
    using directory = makeTemporaryDirectory("close");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openSmallLedger(directory.path, { fileSystem: disk });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await ledger.append("alpha", [makeDraft("one")]);
    disk.fail({
      call: "pwrite",
      path: /\.spare$/,
      nth: 1,
      how: "lost",
      error: "ENOSPC",
      times: Number.POSITIVE_INFINITY,
    });
    const waiting: Promise<unknown>[] = [];
    for (let i = 0; ledger.pressure().kind !== "full"; i += 1) {
      const drafts = Array.from({ length: 200 }, (_, j) => makeDraft(`fill-${i}-${j}`));
      waiting.push(ledger.append("alpha", drafts).catch(() => "refused"));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect(ledger.close()).rejects.toMatchObject({ code: "storage_failed" });
    expect(await waiting.at(-1)).toBe("refused");
    const again = await openSmallLedger(directory.path);
    expect(await again.append("alpha", [makeDraft("one")])).toMatchObject([{ status: "duplicate", index: 0 }]);
    await again.close();
    expect(await verify(directory.path)).toMatchObject({ verdict: "verified", problems: [] });
  });

  it("gives the lock back only when nothing of it touches the disk any more, after a failure too", async () => {
    using directory = makeTemporaryDirectory("close");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await openSmallLedger(directory.path, { fileSystem: disk, publishIntervalMs: 1 });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    disk.fail({ call: "fdatasync", nth: 1, how: "lost", path: /\/\d{8}-\d{8}/ });
    await ledger.append("alpha", [makeDraft("one")]).catch(() => undefined);
    await ledger.close().catch(() => undefined);
    const calls = disk.count();
    const again = await openSmallLedger(directory.path);
    await again.append("alpha", [makeDraft("two")]);
    await again.close();
    expect(disk.count()).toBe(calls);
    expect(await verify(directory.path)).toMatchObject({ verdict: "verified", problems: [] });
  });
});
