import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "./index.ts";

const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

/** Fills a store: trail `alpha` with `count` entries. Left running; `copyTo` takes a copy as a kill at this moment leaves it. */
async function openStore(directory: string, options: Parameters<typeof openSmallLedger>[1] = {}) {
  const ledger = await openSmallLedger(directory, options);
  if (ledger.trail("alpha") === undefined) await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  return ledger;
}

const copyAs = (directory: string, name: string): string => {
  const copy = join(directory, name);
  cpSync(join(directory, "data"), copy, { recursive: true });
  return copy;
};

describe("a store that was killed", () => {
  it("is verified at every moment, with a gap when its last record is torn", async () => {
    using directory = makeTemporaryDirectory("killed");
    // Nothing is published by time, so that nothing is under way while a copy is made.
    const ledger = await openStore(directory.path, { publishIntervalMs: 3_600_000 });
    const copies: string[] = [copyAs(directory.path, "empty")];
    for (let round = 0; round < 5; round += 1) {
      await ledger.append("alpha", drafts(`r${round}`, 150));
      copies.push(copyAs(directory.path, `unpublished-${round}`));
      await ledger.seal("alpha", { tail: round % 2 === 1 });
      copies.push(copyAs(directory.path, `published-${round}`));
      await ledger.seal("evident", { tail: round > 2 });
      copies.push(copyAs(directory.path, `evident-${round}`));
    }
    for (const copy of copies) {
      const { verdict, problems } = await verifyDirectory(copy, {});
      expect({ copy, verdict, problems }).toEqual({ copy, verdict: "verified", problems: [] });
    }
    await ledger.append("alpha", drafts("torn", 1));
    const torn = copyAs(directory.path, "torn");
    await ledger.close();
    const wal = newestLog(torn);
    const bytes = readFileSync(wal);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    bytes.fill(0, end - 40, end + 1);
    writeFileSync(wal, bytes);
    const report = await verifyDirectory(torn, {});
    expect(report.problems.map(({ kind, severity, file }) => [kind, severity, file])).toEqual([
      ["torn_tail", "gap", wal.slice(torn.length + 1)],
    ]);
    expect(report.verdict).toBe("gaps");
  });
});

function newestLog(dataDir: string): string {
  const names = readdirSync(join(dataDir, "wal")).filter((name) => /^\d{8}-\d{8}$/.test(name));
  return join(dataDir, "wal", names.toSorted().at(-1) ?? "");
}

describe("a log of several files", () => {
  it("is missed when one of them is deleted, cut or swapped, and the file is named", async () => {
    using directory = makeTemporaryDirectory("files");
    const ledger = await openStore(directory.path, { segmentEntries: 1 << 20 });
    for (let i = 0; i < 100; i += 1) await ledger.append("alpha", drafts(`many-${i}`, 30));
    await ledger.close();
    const dataDir = join(directory.path, "data");
    const files = readdirSync(join(dataDir, "wal"));
    expect(files.length).toBeGreaterThan(3);
    expect((await verifyDirectory(dataDir, {})).verdict).toBe("verified");
    for (const [i, file] of files.entries()) {
      const path = join(dataDir, "wal", file);
      const bytes = readFileSync(path);
      rmSync(path);
      const deleted = await verifyDirectory(dataDir, {});
      expect(deleted.verdict, `delete ${file}`).toBe("failed");
      expect(JSON.stringify(deleted.problems), `delete ${file}`).toContain(`wal/${file}`);
      writeFileSync(path, bytes);
      truncateSync(path, bytes.length - 1);
      const cut = await verifyDirectory(dataDir, {});
      expect(cut.verdict, `cut ${file}`).toBe("failed");
      expect(JSON.stringify(cut.problems), `cut ${file}`).toContain(`"wal/${file}"`);
      writeFileSync(path, readFileSync(join(dataDir, "wal", files[(i + 1) % files.length] ?? "")));
      expect((await verifyDirectory(dataDir, {})).verdict, `swap ${file}`).toBe("failed");
      writeFileSync(path, bytes);
    }
    expect((await verifyDirectory(dataDir, {})).verdict).toBe("verified");
  });
});

describe("threads", () => {
  it("find what one place finds, and stop when they are told to", async () => {
    using directory = makeTemporaryDirectory("threads");
    const ledger = await openStore(directory.path, { segmentEntries: 1024, walFileBytes: 16 << 20 });
    const large = Array.from({ length: 5_000 }, (_, i) => {
      const draft = makeDraft(`large-${i}`);
      return { ...draft, rest: draft.rest.replace(/\}$/, `,"detail":{"noise":"${randomText(2_000)}"}}`) };
    });
    for (let i = 0; i < large.length; i += 500) await ledger.append("alpha", large.slice(i, i + 500));
    await ledger.waitPublished("alpha", large.length);
    await ledger.seal("alpha", { tail: false });
    await ledger.close();
    const dataDir = join(directory.path, "data");
    const progress: number[] = [];
    const report = await verifyDirectory(dataDir, { workers: 2, onProgress: ({ done }) => progress.push(done) });
    expect(report).toMatchObject({ verdict: "verified", problems: [] });
    expect(report.entries).toBeGreaterThan(5_000);
    expect(progress.at(-1)).toBeGreaterThan(0);
    const segment = join(dataDir, "trails/alpha/segments", "0000000000001024.ndjson.zst");
    const bytes = readFileSync(segment);
    rmSync(segment);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(segment, bytes);
    const failed = await verifyDirectory(dataDir, { workers: 2 });
    expect(failed.verdict).toBe("failed");
    expect(failed.problems.filter(({ file }) => file !== "trails/alpha/segments/0000000000001024.ndjson.zst")).toEqual(
      [],
    );
    const stop = new AbortController();
    const stopped = verifyDirectory(dataDir, {
      workers: 2,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
  });
});

function randomText(length: number): string {
  let text = "";
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text.slice(0, length);
}

describe("trust", () => {
  it("fails with other keys than the trusted ones", async () => {
    using directory = makeTemporaryDirectory("keys");
    using elsewhere = makeTemporaryDirectory("keys-elsewhere");
    const ledger = await openStore(directory.path);
    const other = await openStore(elsewhere.path);
    const right = ledger.trail("evident")?.genesis ?? [];
    const wrong = other.trail("evident")?.genesis ?? [];
    await ledger.close();
    await other.close();
    const dataDir = join(directory.path, "data");
    expect((await verifyDirectory(dataDir, { keys: right })).verdict).toBe("verified");
    const report = await verifyDirectory(dataDir, { keys: wrong });
    expect(report.verdict).toBe("failed");
    expect(report.problems).toMatchObject([{ trail: "evident", kind: "signature" }]);
  });

  it("remembers heads, and misses what was taken back since", async () => {
    using directory = makeTemporaryDirectory("remember");
    const rememberFile = join(directory.path, "known", "heads.json");
    const ledger = await openStore(directory.path);
    await ledger.append("alpha", drafts("first", 10));
    await ledger.close();
    const dataDir = join(directory.path, "data");
    const first = await verifyDirectory(dataDir, { rememberFile });
    expect(first).toMatchObject({ verdict: "verified", anchor: { kind: "none", size: 0 } });
    const old = copyAs(directory.path, "old");
    const again = await openStore(directory.path);
    await again.rotateKeys("alpha", "test");
    await again.append("alpha", drafts("second", 10));
    await again.close();
    const second = await verifyDirectory(dataDir, { rememberFile });
    expect(second).toMatchObject({ verdict: "verified", anchor: { kind: "remembered" } });
    expect(second.anchor.size).toBe(first.trails[0]?.size);
    expect((await verifyDirectory(dataDir, { rememberFile })).anchor.size).toBe(second.trails[0]?.size);
    expect((await verifyDirectory(old, {})).verdict).toBe("verified");
    const back = await verifyDirectory(old, { rememberFile });
    expect(back.verdict).toBe("failed");
    expect(new Set(back.problems.map(({ kind }) => kind))).toEqual(new Set(["rolled_back"]));
    expect(back.problems.map(({ trail }) => trail).sort()).toEqual(["alpha", "evident"]);
    expect((await verifyDirectory(dataDir, { rememberFile })).verdict).toBe("verified");
    writeFileSync(rememberFile, "{}");
    await expect(verifyDirectory(dataDir, { rememberFile })).rejects.toMatchObject({ code: "malformed" });
  });

  it("misses a store whose history was written anew with the same keys", async () => {
    using directory = makeTemporaryDirectory("forked");
    const rememberFile = join(directory.path, "heads.json");
    const ledger = await openStore(directory.path);
    await ledger.close();
    const base = copyAs(directory.path, "base");
    // The newest shown heads lie beside the keys: who writes history anew puts these back as well.
    const keysDir = join(directory.path, "data.keys");
    cpSync(keysDir, `${keysDir}-base`, { recursive: true });
    const one = await openStore(directory.path);
    await one.append("alpha", drafts("one", 3));
    await one.close();
    const dataDir = join(directory.path, "data");
    expect((await verifyDirectory(dataDir, { rememberFile })).verdict).toBe("verified");
    for (const [from, to] of [
      [base, dataDir],
      [`${keysDir}-base`, keysDir],
    ] as const) {
      rmSync(to, { recursive: true });
      cpSync(from, to, { recursive: true });
    }
    const two = await openStore(directory.path);
    await two.append("alpha", drafts("two", 5));
    await two.close();
    expect((await verifyDirectory(dataDir, {})).verdict).toBe("verified");
    const report = await verifyDirectory(dataDir, { rememberFile });
    expect(report.problems.filter(({ trail }) => trail === "alpha")).toMatchObject([{ kind: "forked" }]);
  });

  it("refuses a directory without a store", async () => {
    using directory = makeTemporaryDirectory("nothing");
    await expect(verifyDirectory(directory.path, {})).rejects.toMatchObject({ code: "not_found" });
  });
});
