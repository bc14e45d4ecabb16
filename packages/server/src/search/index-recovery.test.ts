import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { openSearch } from "./open-search.ts";
import { addressOf, commitLines, LineLedger, lineOf, naiveHits, openIndexed } from "./testing/index.ts";
import type { Search } from "./types.ts";

type Alarm = { readonly kind: string; readonly detail: string };

const trails = ["main"];

async function expectWhole(search: Search, ledger: LineLedger): Promise<void> {
  await search.waitIndexed(ledger.sizes(), AbortSignal.timeout(30_000));
  for (const text of ["", "carol", "status:denied", "resource:invoice/5"]) {
    const { hits } = await search.query({ text, trails, limit: 10_000, order: "oldest" });
    const wanted = naiveHits(ledger, { text, trails }).slice(0, 10_000);
    expect(hits.map(addressOf)).toEqual(wanted.map(addressOf));
  }
  const verdict = await search.reconcile({ full: true });
  expect(verdict.agrees).toBe(true);
}

async function made(dir: string, entries: number): Promise<LineLedger> {
  const ledger = new LineLedger();
  commitLines(ledger, "main", 0, entries);
  const search = await openIndexed(ledger, dir);
  // Sealing goes on beside indexing; what is closed with it is complete.
  await search.close();
  return ledger;
}

function filesOf(dir: string, end: string): string[] {
  const search = join(dir, "search");
  return readdirSync(search)
    .filter((name) => name.endsWith(end))
    .map((name) => join(search, name))
    .sort();
}

/** Opens, looks at everything, and returns the kinds of alarm. */
async function reopened(dir: string, ledger: LineLedger): Promise<readonly string[]> {
  const alarms: Alarm[] = [];
  const search = await openSearch({ dir, ledger, segmentRows: 1_024, onAlarm: (alarm) => alarms.push(alarm) });
  await search.waitIndexed(ledger.sizes(), AbortSignal.timeout(30_000));
  if (alarms.length === 0) {
    // Damage inside a file shows when it is read; the index is rebuilt then.
    await search.query({ text: "carol agent/3", trails, limit: 10_000, order: "oldest" }).catch(() => undefined);
    await search.stats({ trails, top: ["resources.id"] }).catch(() => undefined);
  }
  await expectWhole(search, ledger);
  await search.close();
  return alarms.map(({ kind }) => kind);
}

describe("the index after a stop", () => {
  it("goes on where it stopped", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = await made(dir.path, 1_500);
    commitLines(ledger, "main", 1_500, 1_900);
    expect(await reopened(dir.path, ledger)).toEqual([]);
  });

  it("seals a hot table that is worth it when it closes", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = await made(dir.path, 1_024 + 512);
    const search = await openSearch({ dir: dir.path, ledger, segmentRows: 1_024 });
    expect(search.indexed()).toEqual({ main: 1_536 });
    await search.close();
  });

  it("is whole after kills at random moments", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 20_000, 500);
    const here = new URL(".", import.meta.url).href;
    const code = `
      import { openSearch } from "${here}open-search.ts";
      import { commitLines, LineLedger } from "${here}testing/index.ts";
      const ledger = new LineLedger();
      commitLines(ledger, "main", 0, 10000, 500);
      const search = await openSearch({ dir: process.argv[1], ledger, segmentRows: 1024 });
      console.log("open");
      commitLines(ledger, "main", 10000, 20000, 500);
      setInterval(() => undefined, 1000);`;
    for (const waitMs of [30, 150, 400, 700, 1_000, 90]) {
      const child = spawn(process.execPath, ["-e", code, dir.path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await sleep(waitMs);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    expect(await reopened(dir.path, ledger)).toEqual([]);
  });
});

describe("an index that is not what it should be", () => {
  const damages: Readonly<Record<string, (dir: string) => void>> = {
    "without a manifest": (dir) => rmSync(join(dir, "search", "manifest.json")),
    "with a changed manifest": (dir) => {
      const file = join(dir, "search", "manifest.json");
      writeFileSync(file, readFileSync(file, "utf8").replace('"rows":1024', '"rows":1023'));
    },
    "of another version": (dir) => writeFileSync(join(dir, "search", "manifest.json"), "{}\n"),
    "without a file of tables": (dir) => rmSync(filesOf(dir, ".duckdb")[0] ?? ""),
    "with a cut file of tables": (dir) => truncateSync(filesOf(dir, ".duckdb")[0] ?? "", 5_000),
    "with a file of tables of zeros": (dir) => {
      const [file = ""] = filesOf(dir, ".duckdb");
      writeFileSync(file, Buffer.alloc(readFileSync(file).length));
    },
    "with a damaged file of tables": (dir) => {
      const [file = ""] = filesOf(dir, ".duckdb");
      const bytes = readFileSync(file);
      for (let at = 20_000; at < bytes.length; at += 1_000) bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      writeFileSync(file, bytes);
    },
    "without a file of lines": (dir) => rmSync(filesOf(dir, ".lines")[0] ?? ""),
    "with a cut file of lines": (dir) => truncateSync(filesOf(dir, ".lines")[0] ?? "", 100),
    "with a damaged file of lines": (dir) => {
      const [file = ""] = filesOf(dir, ".lines");
      const bytes = readFileSync(file);
      for (let at = 50; at < bytes.length; at += 200) bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      writeFileSync(file, bytes);
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    it(`is rebuilt from the ledger: ${name}`, async () => {
      using dir = makeTemporaryDirectory("search");
      const ledger = await made(dir.path, 1_500);
      damage(dir.path);
      const kinds = await reopened(dir.path, ledger);
      expect(kinds).toContain("rebuilding");
    });
  }

  it("is begun anew when it was deleted, without an alarm", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = await made(dir.path, 1_500);
    rmSync(join(dir.path, "search"), { recursive: true });
    expect(await reopened(dir.path, ledger)).toEqual([]);
  });

  it("is rebuilt when the ledger is older", async () => {
    using dir = makeTemporaryDirectory("search");
    await made(dir.path, 1_500);
    const older = new LineLedger();
    commitLines(older, "main", 0, 1_000);
    expect(await reopened(dir.path, older)).toEqual(["rebuilding"]);
  });

  it("is rebuilt when the ledger holds other entries", async () => {
    using dir = makeTemporaryDirectory("search");
    await made(dir.path, 1_500);
    const other = new LineLedger();
    commitLines(other, "main", 7, 1_600);
    expect(await reopened(dir.path, other)).toEqual(["rebuilding"]);
  });
});

describe("a thread that fails", () => {
  it("is started again and catches up", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 900);
    const alarms: Alarm[] = [];
    const search = await openIndexed(ledger, dir.path, { onAlarm: (alarm) => alarms.push(alarm) });
    // The next hot table finds no directory for its lines.
    rmSync(join(dir.path, "search"), { recursive: true });
    commitLines(ledger, "main", 900, 4_000);
    await expectWhole(search, ledger);
    expect(alarms.map(({ kind }) => kind)).toContain("restarted");
    expect(search.counters().restarts).toBeGreaterThan(0);
    await search.close();
  });
});

describe("a queue that is full", () => {
  it("is dropped, and the ledger read instead", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    let behind = 0;
    const search = await openSearch({ dir: dir.path, ledger, segmentRows: 32_768, onBehind: (n) => (behind = n) });
    const pad = "y".repeat(20_000);
    for (let at = 0; at < 4_000; at += 200) {
      ledger.commit(
        "main",
        Array.from({ length: 200 }, (_, i) => lineOf(at + i).replace("okta", `okta${pad}`)),
      );
    }
    await search.waitIndexed(ledger.sizes(), AbortSignal.timeout(50_000));
    expect(search.counters().catchUps).toBeGreaterThan(0);
    expect(behind).toBeGreaterThan(0);
    const { count } = await search.stats({ text: "carol", trails });
    expect(count).toBe(naiveHits(ledger, { text: "carol", trails }).length);
    await search.close();
  });
});
