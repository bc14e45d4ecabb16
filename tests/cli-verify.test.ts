import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errors } from "@evident/core";
import type { VerifyReport } from "@evident/server";
import {
  type EvidentRun,
  freePort,
  type MadeStore,
  makeEvent,
  makeStore,
  makeTemporaryDirectory,
  type RunningServer,
  runEvident,
  startServer,
} from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const directory = makeTemporaryDirectory("cli-verify");
const at = (...path: string[]): string => join(directory.path, ...path);
let store: MadeStore;
let server: RunningServer;
let auditor: string;

beforeAll(async () => {
  mkdirSync(at("stopped"));
  mkdirSync(at("running"));
  store = await makeStore(at("stopped"));
  await makeStore(at("running"));
  server = await startServer({ dataDir: at("running", "data") });
  const made = await run(["keys", "create", "--role", "auditor", "--tenant", "*", "--json"], { key: server.adminKey });
  auditor = (JSON.parse(made.stdout) as { key: string }).key;
});

afterAll(async () => {
  await server.stop();
  directory[Symbol.dispose]();
});

function run(
  args: readonly string[],
  options: { readonly key?: string; readonly input?: Uint8Array; readonly home?: string } = {},
): Promise<EvidentRun> {
  const { key, input, home = "home" } = options;
  return runEvident(args, {
    cwd: directory.path,
    url: server?.url ?? "",
    env: { HOME: at(home), XDG_STATE_HOME: "" },
    ...(key === undefined ? {} : { key }),
    ...(input === undefined ? {} : { input }),
  });
}

const verify = (...args: string[]): Promise<EvidentRun> => run(["verify", ...args, "--no-remember"], { key: auditor });
const reportOf = ({ stdout }: EvidentRun): VerifyReport => JSON.parse(stdout) as VerifyReport;

describe("evident verify DIR", () => {
  it("prints verdict, trails, anchor and what was not checked, and as JSON the report", async () => {
    const shown = await verify("stopped/data");
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^verified {2}stopped\/data\n/);
    expect(shown.stdout).toMatch(/\nalpha +\d+ {2}none\n/);
    expect(shown.stdout).toContain("Anchor  none: consistent with its own key only");
    expect(shown.stdout).toContain("Not checked\n");
    const json = await verify("stopped/data", "--json", "--keys", "stopped/data.keys");
    expect(json.code).toBe(0);
    const report = reportOf(json);
    expect(Object.keys(report).slice(0, 3)).toEqual(["verdict", "anchor", "entries"]);
    expect(report).toMatchObject({
      verdict: "verified",
      anchor: { kind: "none", size: 0 },
      unchecked: [],
      problems: [],
    });
    expect(report.entries).toBe(report.trails.reduce((sum, { size }) => sum + size, 0));
  });

  it("takes keys as a directory, a file or themselves, and fails with others", async () => {
    const lines = at("keys.txt");
    writeFileSync(lines, `# genesis\n${store.genesis.join("\n")}\n`);
    for (const keys of [["stopped/data.keys/trails.json"], ["keys.txt"], store.genesis]) {
      const { code, stdout } = await verify("stopped/data", "--json", ...keys.flatMap((key) => ["--keys", key]));
      expect({ code, unchecked: (JSON.parse(stdout) as VerifyReport).unchecked }).toEqual({ code: 0, unchecked: [] });
    }
    const other = await verify("stopped/data", "--keys", "running/data.keys");
    expect(other.code).toBe(1);
    expect(other.stdout).toContain("FAILED");
    expect(other.stdout).toContain("signature");
  });

  it("takes no key that is stated to be another trail's for one of evident", async () => {
    const { alpha } = JSON.parse(readFileSync(at("stopped", "data.keys", "trails.json"), "utf8")) as { alpha: unknown };
    writeFileSync(at("alpha.json"), JSON.stringify({ alpha }));
    const { code, stderr } = await verify("stopped/data", "--keys", "alpha.json");
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("of other trails than evident") });
  });

  it("names what was changed, with exit code 1", async () => {
    const tile = at("stopped", "data", "trails", "beta", "tile", "0", "000");
    const bytes = readFileSync(tile);
    const changed = Buffer.from(bytes);
    changed[40] = (changed[40] ?? 0) ^ 1;
    chmodSync(tile, 0o600);
    writeFileSync(tile, changed);
    const shown = await verify("stopped/data");
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain("1 problem\n  edited  beta:0-255\n");
    expect(shown.stdout).toContain("trails/beta/tile/0/000");
    const report = reportOf(await verify("stopped/data", "--json"));
    expect(report).toMatchObject({
      verdict: "failed",
      problems: [{ trail: "beta", index: 0, kind: "edited", detail: expect.any(String) }],
    });
    writeFileSync(tile, bytes);
    expect((await verify("stopped/data")).code).toBe(0);
  });

  it("remembers heads in the user's state directory, and in no other when told so", async () => {
    const file = at("home", ".local", "state", "evident", "heads.json");
    expect(existsSync(file)).toBe(false);
    expect(reportOf(await run(["verify", "stopped/data", "--json"])).anchor.kind).toBe("none");
    expect(existsSync(file)).toBe(true);
    const again = await run(["verify", "stopped/data"]);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(/Anchor {2}remembered up to \d+: it agrees with a head that was seen before/);
    const heads = at("own-heads.json");
    const own = await run(["verify", "stopped/data", "--json", "--remember", "own-heads.json"], { home: "elsewhere" });
    expect(reportOf(own).anchor.kind).toBe("none");
    expect([existsSync(heads), existsSync(at("elsewhere"))]).toEqual([true, false]);
  });
});

describe("evident verify URL", () => {
  it("verifies a running server as far as the key may read", async () => {
    const { code, stdout } = await verify(server.url, "--keys", "running/data.keys");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^verified {2}http/);
    const report = reportOf(await verify(server.url, "--json", "--trail", "alpha", "--trail", "evident"));
    expect(report.trails.map(({ trail }) => trail)).toEqual(["evident", "alpha"]);
    const made = await run(["keys", "create", "--role", "reader", "--tenant", "acme", "--json"], {
      key: server.adminKey,
    });
    const { key } = JSON.parse(made.stdout) as { key: string };
    const tiles = await run(["verify", server.url, "--no-remember", "--json"], { key });
    expect(tiles.code).toBe(0);
    expect(reportOf(tiles)).toMatchObject({ verdict: "verified", entries: 0 });
    expect(reportOf(tiles).unchecked.join("\n")).toContain("which this key may not read");
  });

  it("says why it cannot, with the exit code of the reason", async () => {
    expect((await run(["verify", server.url, "--no-remember"], { key: "evk_nobody" })).code).toBe(
      errors.unauthenticated.exit,
    );
    const closed = `http://127.0.0.1:${await freePort()}`;
    expect((await verify(closed)).code).toBe(errors.unreachable.exit);
    const none = await verify(server.url, "--trail", "nowhere");
    expect(none.code).toBe(errors.not_found.exit);
    expect(none.stderr).toContain("It shows: ");
  });
});

describe("evident verify PROOF", () => {
  it("verifies a receipt offline, from a file or a pipe", async () => {
    expect((await run(["prove", "alpha:3", "--out", "alpha-3.tlog-proof"], { key: server.adminKey })).code).toBe(0);
    const shown = await verify("alpha-3.tlog-proof", "--keys", "running/data.keys");
    // Alpha's keys were changed since: its first ones alone do not open the checkpoint.
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain("keys that were changed since are known to who verified the server");
    expect((await run(["prove", "beta:3", "--out", "beta-3.tlog-proof"], { key: server.adminKey })).code).toBe(0);
    const beta = await verify("beta-3.tlog-proof", "--keys", "running/data.keys");
    expect(beta).toMatchObject({ code: 0, stderr: "" });
    expect(beta.stdout).toMatch(/^verified {2}beta-3\.tlog-proof\nentry 3 of \d+ in \S+, signed \d{4}-/);
    const piped = await run(["verify", "-", "--no-remember", "--json", "--keys", "running/data.keys"], {
      input: readFileSync(at("beta-3.tlog-proof")),
    });
    expect(reportOf(piped)).toMatchObject({ verdict: "verified", entries: 1, problems: [] });
    const unknown = await verify("beta-3.tlog-proof");
    expect(unknown.code).toBe(3);
    expect(unknown.stdout).toContain("verified with gaps");
    await run(["verify", server.url], { key: auditor, home: "knows" });
    const known = await run(["verify", "alpha-3.tlog-proof", "--json"], { home: "knows" });
    expect(known.code).toBe(0);
    expect(reportOf(known)).toMatchObject({ verdict: "verified", anchor: { kind: "remembered" } });
    writeFileSync(at("cut.tlog-proof"), readFileSync(at("beta-3.tlog-proof")).subarray(0, 300));
    expect((await verify("cut.tlog-proof", "--keys", "running/data.keys")).code).toBe(1);
  });
});

describe("wrong usage", () => {
  it("is refused with the fix", async () => {
    const refused = [
      [["verify"], 2, "needs DIR|URL|PROOF"],
      [["verify", "nothing-here"], errors.not_found.exit, "is not there"],
      [["verify", "home"], errors.not_found.exit, "holds no store"],
      [["verify", "stopped/data", "--trail", "alpha"], 2, "leave --trail out"],
      [["verify", "stopped/data", "--remember", "x", "--no-remember"], 2, "exclude each other"],
      [["verify", "stopped/data", "--keys", "stopped"], errors.not_found.exit, "stopped"],
      [["verify", "stopped/data", "--keys", "beta-3.tlog-proof"], 2, "holds no verifier keys"],
      [
        ["verify", "stopped/data", "--remember", "beta-3.tlog-proof"],
        errors.malformed.exit,
        "does not hold remembered heads",
      ],
    ] as const;
    mkdirSync(at("home"), { recursive: true });
    for (const [args, code, text] of refused) {
      const found = await run(args);
      expect({ args, code: found.code }).toEqual({ args, code });
      expect(found.stderr).toContain(text);
      expect(found.stderr).toContain("fix: ");
    }
  });
});

describe("a store that is written to", () => {
  it("is verified by its URL", async () => {
    const body = `${Array.from({ length: 200 }, (_, i) => JSON.stringify(makeEvent(`busy-${i}`))).join("\n")}\n`;
    const stop = new AbortController();
    const send = (part: number): Promise<EvidentRun> =>
      run(["ingest", "-", "--trail", "alpha", "--json"], {
        key: server.adminKey,
        input: Buffer.from(body.replaceAll("busy-", `busy-${part}-`)),
      });
    const write = async (): Promise<void> => {
      for (let part = 0; !stop.signal.aborted; part += 1) expect((await send(part)).code).toBe(0);
    };
    const writing = write();
    const byUrl = await verify(server.url, "--keys", "running/data.keys");
    expect(byUrl).toMatchObject({ code: 0 });
    stop.abort();
    await writing;
  });
});
