import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errors, hashLeaf, parseExportLine, toHex, utf8 } from "@evident/core";
import {
  checkOcsf,
  type EvidentRun,
  freePort,
  makeEvent,
  makeTemporaryDirectory,
  type RunningServer,
  readParquet,
  runEvident,
  startBreakingProxy,
  startServer,
} from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** More than a page of the index. */
const EVENTS = 10_500;

const directory = makeTemporaryDirectory("export");
const cwd = directory.path;
let server: RunningServer;

type Options = Partial<Parameters<typeof runEvident>[1]>;

const run = (args: readonly string[], more: Options = {}): Promise<EvidentRun> =>
  runEvident(args, { cwd, url: server.url, key: server.adminKey, ...more });

interface StoredEvent {
  readonly id: string;
  readonly time: { readonly occurred: string };
  readonly resources: readonly { readonly id: string }[];
  readonly impact?: { readonly rows?: string };
}

interface Summary {
  readonly entries: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly snapshot: string;
  readonly reconnected: number;
  readonly notes: readonly string[];
}

/** Exports into a new file and returns what is said of it. */
async function exportTo(file: string, args: readonly string[] = [], more: Options = {}): Promise<Summary> {
  const { code, stdout, stderr } = await run(["export", ...args, "--output", file, "--json"], more);
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  const summary = JSON.parse(stdout) as Summary;
  const bytes = readFileSync(join(cwd, file));
  expect(summary).toMatchObject({
    complete: true,
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  return summary;
}

const linesOf = (file: string): string[] => readFileSync(join(cwd, file), "utf8").trimEnd().split("\n");

/** What is left of exports that have no name yet. */
const partials = (): string[] => readdirSync(cwd).filter((name) => name.includes(".partial"));

const hostile = {
  ...makeEvent("hostile"),
  actor: { type: "user", id: "=cmd|' /C calc'!A0", ns: "idp", name: 'nul \u0000, \u202eright to left, "quotes"\r\n' },
  impact: { rows: "99999999999999999999" },
  detail: { exact: 1 },
};

async function mustRun(args: readonly string[], more: Options = {}): Promise<void> {
  const { code, stderr } = await run(args, more);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${code}: ${stderr}`);
}

beforeAll(async () => {
  server = await startServer({ dataDir: join(cwd, "data") });
  await mustRun(["demo", "--count", String(EVENTS), "--out", "demo.ndjson"]);
  writeFileSync(
    join(cwd, "more.ndjson"),
    `${JSON.stringify(hostile).replace('"exact":1', '"exact":12345678901234567890.10')}\n{"broken":true}\n`,
  );
  for (const file of ["demo.ndjson", "more.ndjson"]) await mustRun(["ingest", file, "--trail", "main"]);
});

afterAll(async () => {
  await server.stop();
  directory[Symbol.dispose]();
});

const ALL = EVENTS + 2;

describe("evident export", () => {
  it("writes NDJSON with every stored line unchanged, and the same again for the same entries", async () => {
    const { entries } = await exportTo("all.ndjson");
    expect(entries).toBe(ALL);
    const lines = linesOf("all.ndjson").map(parseExportLine);
    expect(lines.at(-1)).toEqual({ kind: "end", entries: ALL });
    const found = lines.flatMap((line) => (line.kind === "entry" ? [line.entry] : []));
    expect(new Set(found.map(({ index }) => index)).size).toBe(ALL);
    const shown = await run(["show", "main:7", "--json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      entry: JSON.parse(found.find(({ index }) => index === 7)?.line ?? ""),
    });
    expect(found.some(({ line }) => line.includes('"exact":12345678901234567890.10'))).toBe(true);
    const piped = await run(["export", "--format", "ndjson"]);
    expect({ code: piped.code, isSame: piped.stdout === readFileSync(join(cwd, "all.ndjson"), "utf8") }).toEqual({
      code: 0,
      isSame: true,
    });
    expect(piped.stderr).toContain("10,502 entries");
  });

  it("waits for a slow reader of a pipe, and fails when the reader leaves", async () => {
    const launcher = join(import.meta.dirname, "../evident");
    const env = { ...process.env, EVIDENT_URL: server.url, EVIDENT_KEY: server.adminKey };
    const child = spawn(launcher, ["export"], { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
    const hash = createHash("sha256");
    for await (const part of child.stdout) {
      hash.update(part as Buffer);
      await sleep(1);
    }
    const whole = createHash("sha256")
      .update(readFileSync(join(cwd, "all.ndjson")))
      .digest("hex");
    expect(hash.digest("hex")).toBe(whole);
    const left = spawn(launcher, ["export"], { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
    await once(left.stdout, "readable");
    left.stdout.destroy();
    expect(await once(left, "close")).toEqual([74, null]);
  });

  it("writes what matches", async () => {
    const count = Number((await run(["search", "status:denied", "--from", "2026-01-05", "--count"])).stdout);
    expect(count).toBeGreaterThan(0);
    expect(await exportTo("denied.ndjson", ["status:denied", "--from", "2026-01-05"])).toMatchObject({
      entries: count,
    });
  });

  it("writes CSV that runs nothing", async () => {
    await exportTo("all.csv");
    const rows = readFileSync(join(cwd, "all.csv"), "utf8");
    expect(rows).toContain(",'=cmd|' /C calc'!A0,");
    expect(rows).not.toMatch(/(?:^|,|\n)"?[=+@-]/);
    await exportTo("some.csv", ["id:hostile", "--columns", "id,detail.exact,leafHash"]);
    const line = linesOf("all.ndjson")
      .map(parseExportLine)
      .find((each) => each.kind === "entry" && each.entry.line.includes('"id":"hostile"'));
    const hash = line?.kind === "entry" ? toHex(hashLeaf(utf8(line.entry.line))) : "";
    expect(readFileSync(join(cwd, "some.csv"), "utf8")).toBe(
      `id,detail.exact,leafHash\r\nhostile,12345678901234567890.10,${hash}\r\n`,
    );
  });

  it("writes OCSF 1.8 whose receipts evident verify accepts", async () => {
    const { entries } = await exportTo("all.ocsf.ndjson");
    expect(entries).toBe(ALL);
    const events = linesOf("all.ocsf.ndjson").map(
      (line) => JSON.parse(line) as { unmapped: { evident: { receipt: string } } },
    );
    expect(events.flatMap(checkOcsf)).toEqual([]);
    writeFileSync(
      join(cwd, "one.tlog-proof"),
      Buffer.from(events[EVENTS >> 1]?.unmapped.evident.receipt ?? "", "base64"),
    );
    const verified = await run(["verify", "one.tlog-proof", "--keys", join("data.keys", "trails.json")]);
    expect({ code: verified.code, out: verified.stdout + verified.stderr }).toMatchObject({ code: 0 });
    await exportTo("bare.ocsf.ndjson", ["--no-receipts", "id:hostile"]);
    expect(readFileSync(join(cwd, "bare.ocsf.ndjson"), "utf8")).not.toContain('"receipt"');
  });

  it("writes Parquet that DuckDB opens with the right types and values", async () => {
    const { entries, notes } = await exportTo("all.parquet");
    expect({ entries, notes: notes.length }).toEqual({ entries: ALL, notes: 1 });
    const path = join(cwd, "all.parquet");
    const types = await readParquet(path, "SELECT column_name, column_type FROM (DESCRIBE file)");
    expect(Object.fromEntries(types.map((row) => [row["column_name"], row["column_type"]]))).toMatchObject({
      trail: "VARCHAR",
      index: "BIGINT",
      leaf_hash: "BLOB",
      received: "TIMESTAMP_NS",
      time_occurred: "TIMESTAMP_NS",
      actor_groups: "VARCHAR[]",
      resources: 'STRUCT("type" VARCHAR, id VARCHAR, "name" VARCHAR, uid VARCHAR, "scope" VARCHAR[], "role" VARCHAR)[]',
      source_port: "INTEGER",
      source_geo_lat: "DOUBLE",
      impact_rows: "BIGINT",
      impact_bytes_out: "BIGINT",
      actor_session_mfa: "BOOLEAN",
      detail: "VARCHAR",
    });
    const stored = linesOf("all.ndjson")
      .map(parseExportLine)
      .flatMap((line) => (line.kind === "entry" ? [line.entry] : []));
    const rows = await readParquet(
      path,
      'SELECT "index"::INT i, lower(hex(leaf_hash)) h, id, epoch_ns(time_occurred)::VARCHAR ns, resources[1].id r FROM file',
    );
    expect(rows.map(({ i, h }) => [i, h])).toEqual(
      stored.map(({ index, line }) => [index, toHex(hashLeaf(utf8(line)))]),
    );
    const wanted = stored.map(({ line }) => {
      const { event } = JSON.parse(line) as { event?: StoredEvent };
      const occurred = event?.time.occurred ?? "";
      const ns = BigInt(Date.parse(`${occurred.slice(0, 19)}Z`) || 0) * 1_000_000n + BigInt(occurred.slice(20, 29));
      return event === undefined ? [null, null, null] : [event.id, String(ns), event.resources[0]?.id];
    });
    expect(rows.map(({ id, ns, r }) => [id, ns, r])).toEqual(wanted);
    const [odd] = await readParquet(path, "SELECT actor_name, impact_rows, detail FROM file WHERE id = 'hostile'");
    expect(odd).toEqual({
      actor_name: hostile.actor.name,
      impact_rows: null,
      detail: '{"exact":12345678901234567890.10}',
    });
    expect(
      await readParquet(
        path,
        "SELECT count(*)::INT n, any_value(body) LIKE '{%' ok FROM file WHERE kind = 'quarantine'",
      ),
    ).toEqual([{ n: 1, ok: true }]);
    const [sum] = await readParquet(path, "SELECT sum(impact_rows)::VARCHAR s FROM file");
    const rowsOf = stored.map(({ line }) =>
      BigInt((JSON.parse(line) as { event?: StoredEvent }).event?.impact?.rows ?? 0),
    );
    expect(sum?.["s"]).toBe(String(rowsOf.reduce((one, two) => one + two, 0n) - 99999999999999999999n));
  });

  it("is recorded with its beginning and its end", async () => {
    const { stdout } = await run([
      "search",
      "action:export.close",
      "--trail",
      "evident-reads",
      "--limit",
      "1",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      entry: { event: { action: { op: "EXPORT" }, detail: { complete: true } } },
    });
  });

  it("leaves a file alone that is there, unless it is told otherwise", async () => {
    writeFileSync(join(cwd, "mine.csv"), "mine");
    const { code, stderr } = await run(["export", "-o", "mine.csv"]);
    expect({ code, stderr }).toEqual({ code: errors.conflict.exit, stderr: expect.stringContaining("--force") });
    expect(readFileSync(join(cwd, "mine.csv"), "utf8")).toBe("mine");
    await exportTo("mine.csv", ["id:hostile", "--force"]);
    expect(statSync(join(cwd, "mine.csv")).mode & 0o777).toBe(0o600);
    expect(partials()).toEqual([]);
  });

  it("refuses what makes no sense, with exit code 2", async () => {
    for (const [args, text] of [
      [["--format", "xml"], "ndjson, csv, ocsf, parquet"],
      [["--format", "parquet"], "needs a name"],
      [["-o", "x.csv", "--receipts"], "no place in csv"],
      [["-o", "x.csv", "--columns", "actor.idd"], "Did you mean actor.id?"],
      [["--columns", "id"], "not of ndjson"],
      [["--receipts", "--no-receipts", "-o", "x.ndjson"], "exclude"],
      [["actor.idd:x", "-o", "x.ndjson"], "actor.id"],
    ] as const) {
      const { code, stderr } = await run(["export", ...args]);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain(text);
    }
    expect((await run(["export", "-o", "x.ndjson"], { key: "evk_0000000000000000_x" })).code).toBe(
      errors.unauthenticated.exit,
    );
    expect((await run(["export", "-o", "missing/x.ndjson"])).code).toBe(errors.not_found.exit);
    expect(existsSync(join(cwd, "x.ndjson"))).toBe(false);
    expect(partials()).toEqual([]);
  });
});

describe("an export over a connection that breaks", () => {
  it("comes out whole, without an entry missed or doubled", async () => {
    // The second is broken before its answer begins: the client asks once more by itself.
    const proxy = await startBreakingProxy(server.url, (connection) => [300_000, 50, 1_000_000, 4_000][connection]);
    const { reconnected } = await exportTo("broken.ndjson", [], { url: proxy.url });
    expect({ reconnected, connections: proxy.connections() }).toEqual({ reconnected: 3, connections: 5 });
    await proxy.close();
    expect(readFileSync(join(cwd, "broken.ndjson")).equals(readFileSync(join(cwd, "all.ndjson")))).toBe(true);
  });

  it("comes out whole when the server is killed and starts again meanwhile", async () => {
    const dataDir = join(cwd, "killed");
    const port = await freePort();
    const killed = await startServer({ dataDir, port });
    const key = killed.adminKey;
    await mustRun(["ingest", "demo.ndjson", "--trail", "main"], { url: killed.url, key });
    await exportTo("before.ndjson", [], { url: killed.url, key });
    const proxy = await startBreakingProxy(killed.url, (connection) => (connection === 0 ? 3_000_000 : undefined));
    let restarting: Promise<RunningServer> | undefined;
    const { reconnected } = await exportTo("after.ndjson", [], {
      url: proxy.url,
      key,
      stopWhen(_out, err) {
        if (err.includes("going on in")) restarting ??= killed.kill().then(() => startServer({ dataDir, port }));
        return false;
      },
    });
    await (await restarting)?.stop();
    await proxy.close();
    expect(reconnected).toBeGreaterThan(0);
    expect(readFileSync(join(cwd, "after.ndjson")).equals(readFileSync(join(cwd, "before.ndjson")))).toBe(true);
  });

  it("leaves nothing behind when it is stopped", async () => {
    for (const ending of ["ndjson", "parquet"]) {
      const proxy = await startBreakingProxy(server.url, () => 300_000);
      const { code } = await run(["export", "-o", `stopped.${ending}`], {
        url: proxy.url,
        stopWhen: (_out, err) => err.includes("going on in"),
      });
      await proxy.close();
      expect(code).toBe(130);
      expect(existsSync(join(cwd, `stopped.${ending}`))).toBe(false);
    }
    expect(partials()).toEqual([]);
  });
});
