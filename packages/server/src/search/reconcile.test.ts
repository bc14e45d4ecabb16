import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { type Manifest, segmentFiles, writeManifest } from "./manifest.ts";
import { commitLines, LineLedger, openIndexed } from "./testing/index.ts";

/** Changes the rows of the first segment as somebody could who also corrects the manifest. */
async function tamper(dir: string, sql: string): Promise<void> {
  const search = join(dir, "search");
  const { tables } = segmentFiles(search, 1);
  const instance = await DuckDBInstance.create(tables);
  const connection = await instance.connect();
  await connection.run(sql);
  await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
  const manifest = JSON.parse(readFileSync(join(search, "manifest.json"), "utf8").split("\n")[1] ?? "") as Manifest;
  const segments = manifest.segments.map((one) =>
    one.number === 1 ? { ...one, tableBytes: statSync(tables).size } : one,
  );
  await writeManifest(search, segments);
}

const changes: Readonly<Record<string, readonly [sql: string, missing: number, mismatched: number, byCount: boolean]>> =
  {
    "a changed status": ["UPDATE rows SET c2 = c2 + 1 WHERE row = 17", 0, 1, false],
    "a changed time": ["UPDATE rows SET t = t + 1 WHERE row = 17", 0, 1, false],
    "another row's index": ["UPDATE rows SET idx = 18 WHERE idx = 17", 1, 2, false],
    "a missing row": ["DELETE FROM rows WHERE row = 17", 1, 0, true],
    "a doubled row": ["INSERT INTO rows SELECT * FROM rows WHERE row = 17", 0, 1, true],
    "a changed value": ["UPDATE dict SET value = 'mallory' WHERE field = 7 AND value = 'dave-7'", 0, 246, false],
  };

describe("reconcile", () => {
  it("agrees when nothing was changed, also before everything is indexed", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 2_500);
    commitLines(ledger, "other", 0, 10);
    const search = await openIndexed(ledger, dir.path);
    commitLines(ledger, "other", 10, 20);
    const counted = await search.reconcile({ full: false });
    expect(counted.agrees).toBe(true);
    const { trails, agrees } = await search.reconcile({ full: true });
    expect(agrees).toBe(true);
    expect(trails[0]).toEqual({ trail: "main", ledger: 2_500, indexed: 2_500, missing: 0, mismatched: 0 });
    await search.close();
  });

  for (const [name, [sql, missing, mismatched, byCount]] of Object.entries(changes)) {
    it(`finds ${name}`, async () => {
      using dir = makeTemporaryDirectory("search");
      const ledger = new LineLedger();
      commitLines(ledger, "main", 0, 1_500);
      await (await openIndexed(ledger, dir.path)).close();
      await tamper(dir.path, sql);
      const search = await openIndexed(ledger, dir.path);
      const full = await search.reconcile({ full: true });
      expect(full.agrees).toBe(false);
      expect(full.trails[0]).toMatchObject({ ledger: 1_500, missing, mismatched });
      expect((await search.reconcile({ full: false })).agrees).toBe(!byCount);
      await search.close();
    });
  }

  it("finds a line that is another in the ledger", async () => {
    using dir = makeTemporaryDirectory("search");
    const ledger = new LineLedger();
    commitLines(ledger, "main", 0, 1_500);
    await (await openIndexed(ledger, dir.path)).close();
    const other = new LineLedger();
    for (const [at, line] of ledger.lines("main").entries()) {
      const text = Buffer.from(line).toString();
      other.commit("main", [at === 700 ? text.replace("okta", "octa") : text]);
    }
    const search = await openIndexed(other, dir.path);
    expect((await search.reconcile({ full: true })).trails[0]).toMatchObject({ missing: 0, mismatched: 1 });
    await search.close();
  });
});
