import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { errors, verifyReceipt } from "@evident/core";
import { makeEvent, makeTemporaryDirectory, type RunningServer, runEvident, startServer } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const directory = makeTemporaryDirectory("cli-server");
const cwd = directory.path;
const dataDir = join(cwd, "data");
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ dataDir });
});

afterAll(async () => {
  await server.stop();
  directory[Symbol.dispose]();
});

const run = (args: readonly string[], more: { readonly key?: string; readonly input?: Uint8Array | string } = {}) =>
  runEvident(args, { cwd, url: server.url, key: server.adminKey, ...more });

const lines = (label: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${JSON.stringify(makeEvent(`${label}-${i}`))}\n`).join("");

async function json(args: readonly string[], more: { readonly input?: Uint8Array | string } = {}): Promise<unknown> {
  const { code, stdout, stderr } = await run([...args, "--json"], more);
  expect({ args, code, stderr }).toMatchObject({ args, code: 0 });
  return JSON.parse(stdout);
}

/** A character that would act on a terminal instead of being shown. */
function isActive(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (code < 32 && character !== "\n") || (code >= 127 && code < 160) || character === "\u202e";
}

const counts = (accepted: number, duplicates: number, quarantined: number) => ({
  read: accepted + duplicates + quarantined,
  accepted,
  duplicates,
  folded: 0,
  skipped: 0,
  quarantined,
});

describe("evident ingest", () => {
  it("takes NDJSON, arrays, single objects, gzip, zstd and pipes, and stores nothing twice", async () => {
    writeFileSync(join(cwd, "plain.ndjson"), lines("plain", 20));
    writeFileSync(join(cwd, "packed.gz"), gzipSync(lines("gzip", 20)));
    writeFileSync(join(cwd, "packed.zst"), zstdCompressSync(lines("zstd", 20)));
    writeFileSync(join(cwd, "array.json"), JSON.stringify([makeEvent("array-0"), makeEvent("array-1")], null, 2));
    writeFileSync(join(cwd, "object.json"), JSON.stringify(makeEvent("object"), null, 2));
    writeFileSync(join(cwd, "empty.ndjson"), "");
    for (const [file, count] of [
      ["plain.ndjson", 20],
      ["packed.gz", 20],
      ["packed.zst", 20],
      ["array.json", 2],
      ["object.json", 1],
      ["empty.ndjson", 0],
    ] as const) {
      expect(await json(["ingest", file])).toEqual(counts(count, 0, 0));
      expect(await json(["ingest", file])).toEqual(counts(0, count, 0));
    }
    expect(await json(["ingest", "-"], { input: lines("pipe", 3).trimEnd() })).toEqual(counts(3, 0, 0));
  });

  it("quarantines bad lines with their numbers as an editor counts them, and keeps the good ones", async () => {
    const [one = "", two = ""] = lines("mixed", 2).split("\n");
    const conflict = JSON.stringify({ ...makeEvent("mixed-0"), labels: ["other"] });
    const input = `${one}\n\n{"v":1,"id":"x"}\nnot json\n${two}\n${conflict}`;
    const { code, stdout, stderr } = await run(["ingest", "-", "--json"], { input });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(counts(2, 0, 3));
    for (const line of ["line 3:", "line 4:", "line 6:"]) expect(stderr).toContain(line);
    expect(stderr).toMatch(/in quarantine as main:\d+/);
  });

  it("names the failure by its exit code", async () => {
    writeFileSync(join(cwd, "cut.gz"), gzipSync(lines("cut", 200)).subarray(0, 900));
    for (const [args, exit, key] of [
      [["ingest", "missing"], errors.not_found.exit, undefined],
      [["ingest", "cut.gz"], errors.malformed.exit, undefined],
      [["ingest", "plain.ndjson", "--trail", "nowhere"], errors.not_found.exit, undefined],
      [["ingest", "plain.ndjson"], errors.unauthenticated.exit, `evk_${"0".repeat(16)}_${"A".repeat(43)}`],
    ] as const) {
      const { code } = await run(args, key === undefined ? {} : { key });
      expect({ args, code }).toEqual({ args, code: exit });
    }
  });
});

describe("finding and proving", () => {
  it("finds, counts, shows and proves the same entry", async () => {
    await json(["ingest", "-"], { input: lines("find", 5) });
    const count = async (...query: string[]) => (await json(["search", ...query, "--count"])) as { count: number };
    await expect.poll(() => count("id:find-3"), { timeout: 10_000 }).toMatchObject({ count: 1 });
    const found = (await json(["search", "id:find-3"])) as { trail: string; index: number };
    expect(await json(["show", "find-3"])).toEqual(found);
    expect(await json(["show", `${found.trail}:${found.index}`])).toEqual(found);
    expect((await run(["show", "find-3"])).stdout).toContain(`${found.trail}:${found.index}  event`);
    const { trails } = (await json(["trails"])) as { trails: { name: string; genesis: string[] }[] };
    const keys = trails.find(({ name }) => name === found.trail)?.genesis ?? [];
    const proof = (await json(["prove", "find-3"])) as { file: string; verdict: string; index: number };
    expect(proof).toMatchObject({ verdict: "verified", index: found.index });
    const receipt = readFileSync(join(cwd, proof.file));
    expect(verifyReceipt({ proof: receipt, keys })).toMatchObject({ kind: "verified", index: BigInt(found.index) });
    expect((await run(["show", "no-such-id"])).code).toBe(errors.not_found.exit);
    expect((await run(["prove", "no-such-id"])).code).toBe(errors.not_found.exit);
  });

  it("prints one entry a line, pages on without a cap, and orders both ways", async () => {
    const all = (await run(["search", "--all", "--json"])).stdout.trimEnd().split("\n");
    expect(all.length).toBeGreaterThan(60);
    const oldest = (await run(["search", "--all", "--oldest", "--json"])).stdout.trimEnd().split("\n");
    expect(oldest).toEqual([...all].reverse());
    expect((await run(["search", "--limit", "7", "--json"])).stdout.trimEnd().split("\n")).toEqual(all.slice(0, 7));
    expect((await run(["search", "--limit", "2"])).stdout).toContain("outcome");
    expect((await run(["search", "nothing-has-this-word"])).stderr).toContain("nothing found");
    const { top } = (await json(["search", "--top", "kind"])) as { top: { kind: { value: string; count: number }[] } };
    expect(top.kind.map(({ value }) => value).sort()).toEqual(["event", "quarantine"]);
  });

  it("points at the character of a mistake in the query", async () => {
    const { code, stderr } = await run(["search", "status:denied actr.id:alice"]);
    expect(code).toBe(2);
    expect(stderr).toContain("character 15");
  });

  it("follows what comes in, from the newest", async () => {
    const following = runEvident(["tail", "-f", "-n", "2", "--json"], {
      cwd,
      url: server.url,
      key: server.adminKey,
      stopWhen: (stdout) => stdout.includes("tail-4"),
    });
    await expect
      .poll(async () => (await run(["search", "action:tail.open", "--trail", "evident-reads", "--count"])).stdout, {
        timeout: 30_000,
      })
      .toBe("1\n");
    await json(["ingest", "-"], { input: lines("tail", 4) });
    // A trail that is made while somebody follows everything is followed too.
    await json(["trails", "create", "later"]);
    await json(["ingest", "-", "--trail", "later"], { input: JSON.stringify(makeEvent("tail-4")) });
    const { code, stdout } = await following;
    expect(code).toBe(0);
    const ids = stdout
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { entry: { event?: { id: string } } }).entry.event?.id);
    expect(ids.slice(-5)).toEqual(["tail-0", "tail-1", "tail-2", "tail-3", "tail-4"]);
    expect(ids.length).toBe(7);
  });

  it("shows hostile text inert on a terminal", async () => {
    const event = { ...makeEvent("hostile"), detail: { text: "\u001b[2J\u202eevil\r\n\u009b31m" } };
    await json(["ingest", "-"], { input: JSON.stringify(event) });
    for (const args of [
      ["show", "hostile"],
      ["show", "hostile", "--json"],
    ]) {
      const { code, stdout } = await run(args);
      expect(code).toBe(0);
      expect(Array.from(stdout).filter(isActive)).toEqual([]);
    }
  });
});

describe("trails and keys", () => {
  it("makes, rotates and seals trails", async () => {
    expect(await json(["trails", "create", "extra"])).toMatchObject({ name: "extra", size: 0 });
    expect((await run(["trails", "create", "extra"])).code).toBe(errors.conflict.exit);
    await json(["ingest", "--trail", "extra", "-"], { input: lines("extra", 10) });
    const before = (await json(["trails", "rotate", "extra"])) as { keys: string[]; genesis: string[] };
    expect(before.keys).not.toEqual(before.genesis);
    expect(await json(["trails", "seal", "extra", "--tail"])).toMatchObject({ sealedSize: 10 });
    expect((await run(["trails"])).stdout).toMatch(/^extra +default +10 +10 +10 /m);
    expect((await run(["trails", "seal", "nowhere"])).code).toBe(errors.not_found.exit);
  });

  it("makes a key once, lists it without its secret, and revokes it", async () => {
    const made = await run(["keys", "create", "--role", "reader", "--name", "on-call", "--expires", "30d"]);
    expect(made.code).toBe(0);
    const key = made.stdout.trim();
    expect(key).toMatch(/^evk_[0-9a-f]{16}_[\w-]{43}$/);
    const [, id = "", secret = ""] = key.split(/_(.{16})_/);
    const listed = await run(["keys"]);
    expect(listed.stdout).toContain(id);
    expect(listed.stdout).not.toContain(secret);
    expect((await run(["search", "--count"], { key })).code).toBe(0);
    expect((await run(["trails", "create", "other"], { key })).code).toBe(errors.forbidden.exit);
    expect((await run(["keys", "revoke", key, "--reason", "test"])).code).toBe(0);
    expect((await run(["search", "--count"], { key })).code).toBe(errors.unauthenticated.exit);
    expect((await run(["keys", "revoke", "0000000000000000"])).code).toBe(errors.not_found.exit);
    expect((await run(["keys", "create", "--role", "reader", "--expires", "soon"])).code).toBe(2);
  });
});

describe("operation", () => {
  it("streams a demo into the trail demo only", async () => {
    const before = (await json(["trails"])) as { trails: { name: string; size: number }[] };
    const mainSize = before.trails.find(({ name }) => name === "main")?.size;
    expect(await json(["demo", "--count", "40", "--rate", "400"])).toEqual(counts(40, 0, 0));
    const after = (await json(["trails"])) as { trails: { name: string; size: number }[] };
    expect(after.trails.find(({ name }) => name === "demo")?.size).toBe(40);
    expect(after.trails.find(({ name }) => name === "main")?.size).toBe(mainSize);
  });

  it("finds nothing wrong with a healthy server, comparing every entry", async () => {
    const { code, stdout } = await run(["doctor", "--full", "--data", "data"]);
    expect(stdout).not.toContain("FAILED");
    expect(code).toBe(0);
    expect(await json(["doctor"])).toMatchObject({ ok: true });
  });

  it("refuses a second server and a reindex while the first runs; rebuilds the index when it is stopped", async () => {
    const port = new URL(server.url).port;
    const second = await run(["serve", "--data", dataDir, "--listen", "127.0.0.1:0"]);
    expect(second.code).toBe(errors.store_in_use.exit);
    expect((await run(["reindex", "--data", dataDir])).code).toBe(errors.store_in_use.exit);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(await json(["reindex", "--data", dataDir])).toMatchObject({ agrees: true });
    server = await startServer({ dataDir, port: Number(port) });
    expect(await json(["search", "id:find-3", "--count"])).toMatchObject({ count: 1 });
  });
});
