import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EvidentError, fromUtf8, openCheckpoint, verifyReceipt } from "@evident/core";
import { afterEach, describe, expect, it } from "vitest";
import { type Draft, type Ledger, type LedgerOptions, openLedger } from "./index.ts";

const made: string[] = [];
const open: Ledger[] = [];

afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.close().catch(() => undefined);
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function makeDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "evident-ledger-"));
  made.push(dir);
  return dir;
}

async function openAt(dir: string, options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const ledger = await openLedger({
    dataDir: join(dir, "data"),
    keysDir: join(dir, "data.keys"),
    version: "test",
    publishIntervalMs: 50,
    walFileBytes: 4 * 1024 * 1024,
    identityOf: identityOfLine,
    ...options,
  });
  open.push(ledger);
  return ledger;
}

/** Test identities: the id's text, padded; the last 8 bytes stand for `sent`. */
function identity(id: string, sent: string): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes.set(Buffer.from(id.padEnd(16).slice(0, 16)));
  bytes.set(Buffer.from(sent.padEnd(8).slice(0, 8)), 16);
  return bytes;
}

function identityOfLine(line: Uint8Array): Uint8Array | undefined {
  const entry = JSON.parse(fromUtf8(line)) as { sent: string; event?: { id: string } };
  return entry.event === undefined ? undefined : identity(entry.event.id, entry.sent);
}

function draft(id: string, sent = "s"): Draft {
  return {
    kind: "event",
    rest: `"sent":"${sent}","event":{"id":"${id}","text":"ünïcode"}`,
    identity: identity(id, sent),
  };
}

function drafts(count: number, prefix = "e"): Draft[] {
  return Array.from({ length: count }, (_, i) => draft(`${prefix}${i}`));
}

async function linesOf(ledger: Ledger, trail: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { entries } of ledger.entries(trail, 0, Number.MAX_SAFE_INTEGER))
    lines.push(...entries.map((entry) => fromUtf8(entry)));
  return lines;
}

async function statements(ledger: Ledger): Promise<string[]> {
  return (await linesOf(ledger, "evident")).map(
    (line) => (JSON.parse(line) as { statement: { type: string } }).statement.type,
  );
}

describe("the ledger", () => {
  it("begins a store with its system trails, stored lines and a receipt that verifies", async () => {
    const ledger = await openAt(makeDir());
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    const results = await ledger.append("main", drafts(3));
    expect(results).toEqual([0, 1, 2].map((index) => ({ status: "stored", trail: "main", index })));
    const line = fromUtf8((await ledger.entry("main", 1)) ?? new Uint8Array());
    expect(JSON.parse(line)).toMatchObject({ v: 1, kind: "event", sent: "s", event: { id: "e1", text: "ünïcode" } });
    expect(line).toMatch(
      /^\{"v":1,"kind":"event","received":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z","sent":"s","event":/,
    );
    const head = await ledger.waitPublished("main", 3);
    const keys = ledger.trail("main")?.genesis ?? [];
    expect(openCheckpoint(head.note, keys, { strict: true }).kind).toBe("valid");
    const proof = await ledger.receipt("main", 1);
    expect(proof).toBeDefined();
    expect(verifyReceipt({ proof: proof ?? new Uint8Array(), keys })).toMatchObject({ kind: "verified", index: 1n });
    expect(await statements(ledger)).toEqual([
      "store.created",
      "trail.created",
      "signing_key.created",
      "signing_key.created",
      "server.started",
      "trail.created",
      "trail.created",
    ]);
  });

  it("keeps private files private", async () => {
    const dir = makeDir();
    await openAt(dir);
    for (const name of ["wal.key", "statement.key", "mac.key", "trails/evident.1.key"]) {
      expect(statSync(join(dir, "data.keys", name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(dir, "data.keys")).mode & 0o777).toBe(0o700);
  });

  it("stores an identity once, names the first entry, and keeps that over restarts", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir);
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    await ledger.append("main", [draft("a")]);
    expect(await ledger.append("main", [draft("a"), draft("b"), draft("b"), draft("a", "other")])).toEqual([
      { status: "duplicate", trail: "main", index: 0 },
      { status: "stored", trail: "main", index: 1 },
      { status: "duplicate", trail: "main", index: 1 },
      { status: "conflict", trail: "main", index: 0 },
    ]);
    await ledger.close();
    const again = await openAt(dir);
    expect(await again.append("main", [draft("b"), draft("a", "other"), draft("c")])).toEqual([
      { status: "duplicate", trail: "main", index: 1 },
      { status: "conflict", trail: "main", index: 0 },
      { status: "stored", trail: "main", index: 2 },
    ]);
  });

  it("gives the same lines and heads after a clean stop and after none", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir);
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    for (let i = 0; i < 40; i += 1) await ledger.append("main", drafts(20, `batch${i}-`));
    const before = await linesOf(ledger, "main");
    expect(before).toHaveLength(800);
    const crashed = makeDir();
    cpSync(dir, crashed, { recursive: true });
    await ledger.close();
    for (const copy of [dir, crashed]) {
      const again = await openAt(copy);
      expect(await linesOf(again, "main")).toEqual(before);
      expect((await again.waitPublished("main", 800)).size).toBe(800);
      await again.append("main", drafts(5, "later"));
      expect((await again.waitPublished("main", 805)).size).toBe(805);
      await again.close();
    }
  });

  it("seals into segments and a tail, releases the WAL, and reads across all of them", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir, { walFileBytes: 256 * 1024 });
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    for (let i = 0; i < 10; i += 1) await ledger.append("main", drafts(300, `b${i}-`));
    await ledger.seal("main", { tail: false });
    expect(ledger.trail("main")?.sealedSize).toBe(2_816);
    await ledger.seal("main", { tail: true });
    expect(ledger.trail("main")?.sealedSize).toBe(3_000);
    await ledger.append("main", drafts(400, "after"));
    const before = await linesOf(ledger, "main");
    expect(before).toHaveLength(3_400);
    await ledger.seal("main", { tail: true });
    expect(await linesOf(ledger, "main")).toEqual(before);
    expect(readdirSync(join(dir, "data/trails/main/segments"))).toEqual([
      "0000000000000000.ndjson.zst",
      "0000000000002816.ndjson.zst",
    ]);
    expect(readdirSync(join(dir, "data/trails/main/tails"))).toEqual(["0000000000003328-0000000000003400.ndjson.zst"]);
    await ledger.close();
    const again = await openAt(dir);
    expect(await linesOf(again, "main")).toEqual(before);
    expect(await again.append("main", [draft("b0-0")])).toMatchObject([{ status: "duplicate", index: 0 }]);
  });

  it("rotates a trail's keys: both sign once, then the new ones alone", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir);
    const { genesis } = await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    await ledger.append("main", drafts(2));
    const { keys } = await ledger.rotateKeys("main", "test");
    expect(keys).not.toEqual(genesis);
    const [rotation] = await ledger.rotations("main");
    expect(rotation?.size).toBe(2);
    for (const set of [genesis, keys]) {
      expect(openCheckpoint(rotation?.note ?? new Uint8Array(), set, { strict: false }).kind).toBe("valid");
    }
    expect(openCheckpoint(ledger.published("main").note, keys, { strict: true }).kind).toBe("valid");
    await expect(ledger.rotateKeys("main", "test")).rejects.toMatchObject({ code: "conflict" });
    await ledger.close();
    const again = await openAt(dir);
    expect(again.trail("main")?.keys).toEqual(keys);
    await again.append("main", drafts(2, "more"));
    expect(openCheckpoint((await again.waitPublished("main", 4)).note, keys, { strict: true }).kind).toBe("valid");
  });

  it("folds statements live and from snapshots alike", async () => {
    const dir = makeDir();
    const fold = {
      name: "count-test",
      version: 1,
      initial: { count: 0 },
      apply: (state: { count: number }, statement: { type: string }) =>
        statement.type === "test.counted" ? { count: state.count + 1 } : state,
    };
    const ledger = await openAt(dir);
    const live = await ledger.openFold(fold);
    for (let i = 0; i < 3; i += 1) await ledger.appendStatement({ type: "test.counted" });
    expect(live.state()).toEqual({ count: 3 });
    await ledger.close();
    expect(readdirSync(join(dir, "data/index/folds")).filter((name) => name.startsWith("count-test-"))).toHaveLength(1);
    const again = await openAt(dir);
    const restored = await again.openFold(fold);
    await again.appendStatement({ type: "test.counted" });
    expect(restored.state()).toEqual({ count: 4 });
  });

  it("refuses a second server on the same data", async () => {
    const dir = makeDir();
    await openAt(dir);
    await expect(openAt(dir)).rejects.toMatchObject({ code: "store_in_use" });
  });

  it("refuses to continue a store that is behind what it has shown, or that lacks its keys", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir);
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    await ledger.append("main", drafts(10));
    await ledger.close();
    const noData = makeDir();
    cpSync(join(dir, "data.keys"), join(noData, "data.keys"), { recursive: true });
    await expect(openAt(noData)).rejects.toMatchObject({ code: "rolled_back" });
    const noKeys = makeDir();
    cpSync(join(dir, "data"), join(noKeys, "data"), { recursive: true });
    await expect(openAt(noKeys)).rejects.toBeInstanceOf(EvidentError);
    const noWal = makeDir();
    cpSync(dir, noWal, { recursive: true });
    for (const file of readdirSync(join(noWal, "data/wal"))) rmSync(join(noWal, "data/wal", file));
    await expect(openAt(noWal)).rejects.toBeInstanceOf(EvidentError);
  });

  it("recovers a torn last record, and refuses damage before a valid one", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir, { publishIntervalMs: 3_600_000 });
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    for (let i = 0; i < 5; i += 1) await ledger.append("main", drafts(3, `t${i}`));
    const torn = makeDir();
    cpSync(dir, torn, { recursive: true });
    await ledger.close();
    const [file] = readdirSync(join(torn, "data/wal")).filter((name) => !name.endsWith(".spare"));
    const path = join(torn, "data/wal", file ?? "");
    const bytes = readFileSync(path);
    const lastMagic = bytes.lastIndexOf(Buffer.from("EVWAL\0\0\u0001", "latin1"));
    const middle = makeDir();
    cpSync(torn, middle, { recursive: true });
    bytes.fill(0, lastMagic + 200, lastMagic + 300);
    writeFileSync(path, bytes);
    const again = await openAt(torn);
    expect(again.trail("main")?.size).toBe(12);
    const damaged = readFileSync(join(middle, "data/wal", file ?? ""));
    damaged[lastMagic - 300] = (damaged[lastMagic - 300] ?? 0) ^ 1;
    writeFileSync(join(middle, "data/wal", file ?? ""), damaged);
    await expect(openAt(middle)).rejects.toMatchObject({ code: "corrupt_store" });
  });

  it("keeps blobs with their entries and drops those whose entry was not stored", async () => {
    const dir = makeDir();
    const ledger = await openAt(dir);
    await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
    const id = "00112233445566778899aabbccddeeff";
    const blob = { id, ciphertext: new Uint8Array([1, 2, 3]) };
    await ledger.append("main", [{ ...draft("a"), blob }]);
    expect(await ledger.blob("main", id)).toEqual(new Uint8Array([1, 2, 3]));
    const other = "ffeeddccbbaa99887766554433221100";
    await ledger.append("main", [{ ...draft("a"), blob: { ...blob, id: other } }]);
    expect(await ledger.blob("main", other)).toBeUndefined();
    expect(existsSync(join(dir, "data/blobs/main", id))).toBe(true);
  });
});
