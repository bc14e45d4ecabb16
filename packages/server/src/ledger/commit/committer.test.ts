import { join } from "node:path";
import { makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../../verify/index.ts";
import { type Draft, type FileSystem, nodeFileSystem } from "../index.ts";

function padded(id: string, sizeBytes: number): Draft {
  const draft = makeDraft(id);
  const text = `${draft.rest.slice(0, -1)},"detail":{"pad":""}}`;
  return { ...draft, rest: text.replace('"pad":""', `"pad":"${"x".repeat(sizeBytes - text.length)}"`) };
}

/** A disk on which the first sync of log records waits until it is let go. */
function stoppedDisk(): { readonly disk: FileSystem; readonly stop: () => void; readonly go: () => void } {
  const gate = Promise.withResolvers<void>();
  let isStopped = false;
  return {
    stop: () => {
      isStopped = true;
    },
    go: () => gate.resolve(),
    disk: {
      ...nodeFileSystem,
      async open(path, access) {
        const file = await nodeFileSystem.open(path, access);
        if (access === "read") return file;
        return {
          pwrite: (bytes, offset) => file.pwrite(bytes, offset),
          pread: (into, offset) => file.pread(into, offset),
          async fdatasync() {
            if (isStopped) await gate.promise;
            await file.fdatasync();
          },
          fsync: () => file.fsync(),
          truncate: (sizeBytes) => file.truncate(sizeBytes),
          chmod: (mode) => file.chmod(mode),
          sizeBytes: () => file.sizeBytes(),
          close: () => file.close(),
        };
      },
    },
  };
}

describe("group commit", () => {
  it("refuses a draft that is too long for an entry, with all of its call, and goes on as if it had not come", async () => {
    using directory = makeTemporaryDirectory("commit");
    const ledger = await openSmallLedger(directory.path);
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    const long = padded("long", 70_000);
    await expect(ledger.append("alpha", [makeDraft("before"), long])).rejects.toMatchObject({ code: "internal" });
    await expect(ledger.append("alpha", [long])).rejects.toMatchObject({ code: "internal" });
    await ledger.appendStatement({ type: "test.noise" });
    expect(await ledger.append("alpha", [makeDraft("before")])).toMatchObject([{ status: "stored", index: 0 }]);
    await ledger.close();
    expect((await verifyDirectory(join(directory.path, "data"), {})).problems).toEqual([]);
    await (await openSmallLedger(directory.path)).close();
  });

  it("takes the longest entry there can be, to the byte", async () => {
    using directory = makeTemporaryDirectory("commit");
    const ledger = await openSmallLedger(directory.path);
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    const envelope = `{"v":1,"kind":"event","received":"2026-01-01T00:00:00.000000000Z",}`.length;
    await ledger.append("alpha", [padded("longest", 65_535 - envelope)]);
    expect(await ledger.entry("alpha", 0)).toHaveLength(65_535);
    await expect(ledger.append("alpha", [padded("longer", 65_536 - envelope)])).rejects.toMatchObject({
      code: "internal",
    });
    await ledger.close();
  });

  it("cuts what gathers behind a slow disk into several records, each with the root of its own entries", async () => {
    using directory = makeTemporaryDirectory("commit");
    const { disk, stop, go } = stoppedDisk();
    const ledger = await openSmallLedger(directory.path, {
      fileSystem: disk,
      publishIntervalMs: 3_600_000,
      maxPendingBytes: 64 << 20,
    });
    await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await ledger.createTrail({ name: "beta", tenant: "acme", by: "test" });
    const { commits } = ledger.counters();
    stop();
    const appended: Promise<unknown>[] = [];
    for (let i = 0; i < 70; i += 1) {
      const drafts = Array.from({ length: 20 }, (_, j) => padded(`${i}-${j}`, 50_000));
      appended.push(ledger.append(i % 7 === 0 ? "beta" : "alpha", drafts));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ledger.pressure().kind).toBe("busy");
    go();
    await Promise.all(appended);
    expect(ledger.counters().commits - commits).toBeGreaterThan(4);
    expect(ledger.pressure()).toEqual({ kind: "ready", pendingBytes: 0 });
    await ledger.close();
    const report = await verifyDirectory(join(directory.path, "data"), {});
    expect(report).toMatchObject({ verdict: "verified", problems: [] });
    expect(report.entries).toBeGreaterThan(1_400);
  });
});
