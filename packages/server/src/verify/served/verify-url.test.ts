import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  makeDraft,
  makeEvent,
  makeTemporaryDirectory,
  openSmallLedger,
  type ServedStore,
  serveStore,
} from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { type LogTransport, type VerifyReport, type VerifyUrlOptions, verifyUrl } from "../index.ts";

const FILES_UNCHECKED =
  "the server's files (segments, log, blobs), which only a verification of its data directory reads";

const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

function transportOf(store: ServedStore, key?: string): LogTransport {
  return {
    fetchObject: (path, { signal }) => store.fetchObject(path, { signal, ...(key === undefined ? {} : { key }) }),
  };
}

const verify = (store: ServedStore, options: VerifyUrlOptions = {}, key?: string) =>
  verifyUrl(transportOf(store, key), options);

const sizeOf = (report: VerifyReport, trail: string) => report.trails.find((each) => each.trail === trail)?.size;

/** Genesis keys of trails as the server's own list gives them. */
async function genesisOf(store: ServedStore, ...names: string[]): Promise<string[]> {
  const { trails } = (await (await store.ask("/v1/trails")).json()) as {
    trails: { name: string; genesis: string[] }[];
  };
  return trails.filter(({ name }) => names.includes(name)).flatMap(({ genesis }) => genesis);
}

/** Opens the store of a directory, does something with its ledger, and closes it. */
async function withLedger(
  directory: string,
  change: (ledger: Awaited<ReturnType<typeof openSmallLedger>>) => Promise<void>,
): Promise<void> {
  const ledger = await openSmallLedger(directory);
  if (ledger.trail("main") === undefined) await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
  await change(ledger);
  await ledger.close();
}

const clean = { verdict: "verified", problems: [] };

describe("a running server", () => {
  it("is verified at every size, sealed and not, with rotated keys", async () => {
    using directory = makeTemporaryDirectory("served-sizes");
    const sizes = { zero: 0, one: 1, below: 255, whole: 256, above: 257, many: 1_300, sealed: 700 };
    await withLedger(directory.path, async (ledger) => {
      for (const [name, size] of Object.entries(sizes)) {
        await ledger.createTrail({ name, tenant: "acme", by: "test" });
        if (size > 0) await ledger.append(name, drafts(name, size));
        if (size > 0) await ledger.waitPublished(name, size);
      }
      await ledger.rotateKeys("many", "test");
      await ledger.append("many", drafts("many-2", 50));
      await ledger.waitPublished("many", 1_350);
      await ledger.rotateKeys("many", "test");
      await ledger.append("many", drafts("many-3", 7));
      await ledger.seal("sealed", { tail: true });
      await ledger.rotateKeys("sealed", "test");
      await ledger.rotateKeys("evident", "test");
      await ledger.rotateKeys("zero", "test");
      await ledger.rotateKeys("evident", "test");
    });
    await using store = await serveStore(directory.path);
    const progress: string[] = [];
    const report = await verify(store, {
      keys: await genesisOf(store, "evident"),
      onProgress: ({ trail, done, total }) => progress.push(`${trail} ${done} ${total}`),
    });
    expect(report).toMatchObject({ ...clean, anchor: { kind: "none", size: 0 }, unchecked: [FILES_UNCHECKED] });
    for (const [name, size] of Object.entries({ ...sizes, many: 1_357 })) expect(sizeOf(report, name)).toBe(size);
    expect(report.entries).toBe(report.trails.reduce((sum, { size }) => sum + size, 0));
    expect(progress).toContain("many 1357 1357");
    const named = await verify(store, { trails: ["one", "many"] });
    expect(named).toMatchObject({ ...clean, entries: 1_358 });
    expect(named.unchecked.join("\n")).toContain("many: whether the keys that sign now follow from its first ones");
    await expect(verify(store, { trails: ["nowhere"] })).rejects.toMatchObject({ code: "not_found" });
  });

  it("is verified by threads as by one place", async () => {
    using directory = makeTemporaryDirectory("served-threads");
    await withLedger(directory.path, async (ledger) => {
      for (let i = 0; i < 60; i += 1) await ledger.append("main", drafts(`t${i}`, 1_000));
      await ledger.rotateKeys("main", "test");
    });
    await using store = await serveStore(directory.path);
    const report = await verify(store, { workers: 2 });
    expect(report).toMatchObject(clean);
    expect(sizeOf(report, "main")).toBe(60_000);
    const stop = new AbortController();
    const stopped = verify(store, { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) });
    await expect(stopped).rejects.toThrow("enough");
  });

  it("is verified while it goes on writing and changing keys, its read log with it", async () => {
    using directory = makeTemporaryDirectory("served-writing");
    await using store = await serveStore(directory.path, { "ledger.segmentEntries": "256" });
    const stop = new AbortController();
    const write = async (): Promise<number> => {
      let written = 0;
      for (; !stop.signal.aborted; written += 40) {
        const body = Array.from({ length: 40 }, (_, i) => makeEvent(`w${written + i}`));
        expect((await store.ask("/v1/events", { body })).status).toBe(200);
        if (written % 400 === 0) await store.ask("/v1/trails/main/rotate", { method: "POST" });
        if (written % 1_000 === 0) await store.ask("/v1/trails/main/seal", { method: "POST", body: { tail: true } });
      }
      return written;
    };
    const writing = write();
    writing.catch(() => undefined);
    const keys = await genesisOf(store, "evident");
    for (let round = 0; round < 8; round += 1) expect(await verify(store, { keys })).toMatchObject(clean);
    stop.abort();
    expect(await writing).toBeGreaterThan(40);
    const last = await verify(store, { keys });
    expect(last).toMatchObject(clean);
    expect(sizeOf(last, "evident-reads")).toBeGreaterThan(0);
  });
});

describe("a key without an auditor's rights", () => {
  it("verifies the hash tiles, and names what it may not read", async () => {
    using directory = makeTemporaryDirectory("served-reader");
    await withLedger(directory.path, async (ledger) => {
      await ledger.append("main", drafts("m", 700));
    });
    await using store = await serveStore(directory.path);
    const rememberFile = join(directory.path, "heads.json");
    const reader = await store.makeKey({ role: "reader", tenant: "default" });
    const keys = await genesisOf(store, "main");
    const report = await verify(store, { keys, rememberFile }, reader);
    expect(report).toMatchObject({ ...clean, entries: 0, anchor: { kind: "none" }, trails: [{ trail: "main" }] });
    expect(report.unchecked).toContain(
      "main: its 700 entries, which this key may not read (it takes an auditor's); its hash tiles were",
    );
    const again = await verify(store, { rememberFile }, reader);
    expect(again).toMatchObject({ ...clean, anchor: { kind: "remembered", size: 700 } });
    const auditor = await store.makeKey({ role: "auditor", tenant: "default" });
    expect(await verify(store, { rememberFile }, auditor)).toMatchObject({ ...clean, entries: 700 });
    const stranger = await store.makeKey({ role: "auditor", tenant: "another" });
    await expect(verify(store, {}, stranger)).rejects.toMatchObject({ code: "not_found" });
    await expect(verify(store, {}, "evk_none")).rejects.toMatchObject({ code: "unauthenticated" });
  });
});

describe("trust", () => {
  it("comes from given keys, of evident or of each trail, and from nothing else", async () => {
    using directory = makeTemporaryDirectory("served-trust");
    using elsewhere = makeTemporaryDirectory("served-trust-elsewhere");
    await withLedger(directory.path, async (ledger) => {
      await ledger.append("main", drafts("m", 3));
    });
    await using store = await serveStore(directory.path);
    await using other = await serveStore(elsewhere.path);
    const unknown = "whether the server's own keys are the right ones: its own statement of them was taken";
    expect((await verify(store)).unchecked).toContain(unknown);
    const all = await genesisOf(store, "evident", "evident-reads", "main");
    expect(await verify(store, { keys: all })).toMatchObject({ ...clean, unchecked: [FILES_UNCHECKED] });
    const wrong = await verify(store, { keys: await genesisOf(other, "evident") });
    expect(wrong.verdict).toBe("gaps");
    expect(wrong.problems.map(({ trail, kind }) => `${trail} ${kind}`).sort()).toEqual(
      ["evident", "evident-reads", "main"].map((trail) => `${trail} signature`),
    );
    const main = await genesisOf(store, "main");
    const evident = await genesisOf(store, "evident");
    expect(await verify(store, { keys: [...main, ...evident], evidentKeys: evident })).toMatchObject(clean);
    const confused = await verify(store, { keys: evident, evidentKeys: main });
    expect(confused.problems).toContainEqual(expect.objectContaining({ trail: "evident", kind: "signature" }));
    const [first = ""] = main;
    expect(await verify(store, { keys: [first], trails: ["main"] })).toMatchObject({
      verdict: "failed",
      problems: [{ trail: "main", kind: "signature" }],
    });
    await expect(verify(store, { keys: ["x"] })).rejects.toMatchObject({ code: "malformed" });
  });
});

describe("remembered heads", () => {
  it("show a server that was put back, and one whose history was written anew", async () => {
    using directory = makeTemporaryDirectory("served-remember");
    const rememberFile = join(directory.path, "heads.json");
    // Who puts back a whole machine puts back the keys too: nothing on it knows of the newer head then.
    const folders = ["data", "data.keys"].map((name) => join(directory.path, name));
    const restoreBase = (): void => {
      for (const folder of folders) {
        rmSync(folder, { recursive: true });
        cpSync(`${folder}-base`, folder, { recursive: true });
      }
    };
    await withLedger(directory.path, async (ledger) => {
      await ledger.append("main", drafts("base", 300));
    });
    for (const folder of folders) cpSync(folder, `${folder}-base`, { recursive: true });
    await withLedger(directory.path, async (ledger) => {
      await ledger.append("main", drafts("one", 30));
      await ledger.rotateKeys("main", "test");
    });
    {
      await using store = await serveStore(directory.path);
      expect(await verify(store, { rememberFile })).toMatchObject({ ...clean, anchor: { kind: "none" } });
      const again = await verify(store, { rememberFile });
      expect(again).toMatchObject({ ...clean, anchor: { kind: "remembered" } });
      expect(again.anchor.size).toBeGreaterThan(0);
    }
    restoreBase();
    {
      await using store = await serveStore(directory.path);
      expect(await verify(store)).toMatchObject(clean);
      const { verdict, problems } = await verify(store, { rememberFile });
      expect(verdict).toBe("failed");
      expect(problems).toContainEqual(
        expect.objectContaining({ trail: "main", kind: "rolled_back", index: 300, end: 330 }),
      );
    }
    restoreBase();
    await withLedger(directory.path, async (ledger) => {
      await ledger.append("main", drafts("two", 400));
      await ledger.rotateKeys("main", "test");
    });
    await using store = await serveStore(directory.path);
    expect(await verify(store)).toMatchObject(clean);
    for (const key of [undefined, await store.makeKey({ role: "reader", tenant: "default" })]) {
      const forked = await verify(store, { rememberFile }, key);
      expect(forked.verdict).toBe("failed");
      expect(forked.problems).toContainEqual(expect.objectContaining({ trail: "main", kind: "forked" }));
    }
  });
});
