import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EvidentError, nearestName } from "@evident/core";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type Config, type ConfigSources, configFlags, loadConfig, renderCommentedConfig } from "./index.ts";

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function load(yaml: string | undefined, sources: Partial<ConfigSources> = {}): Config {
  const dir = mkdtempSync(join(tmpdir(), "evident-config-"));
  made.push(dir);
  if (yaml !== undefined) writeFileSync(join(dir, "evident.yaml"), yaml);
  return loadConfig({ environment: {}, flags: {}, workingDirectory: dir, ...sources });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof EvidentError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

function outcome(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    return error instanceof EvidentError ? error.code : String(error);
  }
}

describe("loadConfig", () => {
  it("needs nothing: the defaults are complete and every path is absolute", () => {
    const config = load(undefined, { workingDirectory: "/srv" });
    expect(config).toMatchObject({
      data: "/srv/data",
      keys: "/srv/data.keys",
      vault: "/srv/data.vault",
      listen: { host: "127.0.0.1", port: 7070 },
      limits: { lineBytes: 16 * 1024 * 1024, requestsPerSecond: 1000 },
      log: { level: "info" },
    });
    expect(config.tls).toBeUndefined();
  });

  it("lets flags win over the environment, the environment over the file, the file over the defaults", () => {
    const yaml = "limits:\n  requestsPerSecond: 1\n  concurrentTails: 1\n  concurrentIngests: 1\n";
    const config = load(yaml, {
      environment: { EVIDENT_LIMITS_CONCURRENT_TAILS: "2", EVIDENT_LIMITS_CONCURRENT_INGESTS: "2" },
      flags: { "limits.concurrentIngests": "3" },
    });
    expect(config.limits).toMatchObject({ requestsPerSecond: 1, concurrentTails: 2, concurrentIngests: 3 });
  });

  it("starts relative paths of the file from the file's directory, others from the working directory", () => {
    const dir = mkdtempSync(join(tmpdir(), "evident-config-"));
    made.push(dir);
    writeFileSync(join(dir, "x.yaml"), "data: store\n");
    const config = loadConfig({
      environment: { EVIDENT_CONFIG: join(dir, "x.yaml") },
      flags: { keys: "k" },
      workingDirectory: "/srv",
    });
    expect(config).toMatchObject({ data: join(dir, "store"), keys: "/srv/k", vault: `${join(dir, "store")}.vault` });
  });

  it.each([
    ["data: ./d\nlimts:\n  bodyBytes: 1\n", "evident.yaml:2: unknown key `limts`. Did you mean `limits`?"],
    [
      "limits:\n  # one\n  bodybytez: 1\n",
      "evident.yaml:3: unknown key `limits.bodybytez`. Did you mean `limits.bodyBytes`?",
    ],
    ["bodyBytes: 70000\n", "evident.yaml:1: unknown key `bodyBytes`. Did you mean `limits.bodyBytes`?"],
    ["limits: 5\n", "evident.yaml:1: `limits` is a section. Put its keys below it"],
    ["data: a\ndata: b\n", "evident.yaml:2: the key is there twice. Keep one"],
    [
      "ledger:\n  segmentEntries: 1000\n",
      "evident.yaml:2: `ledger.segmentEntries` cannot be 1000. Give a whole number from 256 to 16777216, a multiple of 256.",
    ],
    ["log:\n  level: loud\n", 'evident.yaml:2: `log.level` cannot be "loud". Give one of fatal, error,'],
    ["listen: nowhere\n", 'evident.yaml:1: `listen` cannot be "nowhere". Give HOST:PORT'],
    ["listen: 127.0.0.1:70000\n", "`listen` cannot be"],
    ["listen: 0.0.0.0:7070\n", "`listen` 0.0.0.0:7070 is reachable from outside"],
    ["listen: '[::]:7070'\n", "`listen` :::7070 is reachable from outside"],
    ["tls:\n  cert: a.pem\n", "evident.yaml:2: `tls.cert` is set without `tls.key`"],
    ["behindProxy: [10.0.0.0/8, proxy]\n", 'evident.yaml:1: `behindProxy` has "proxy"'],
    ["keys: ./data\n", "must be three directories"],
    ["[1, 2]", "is not a list of `key: value` lines"],
    ["a: [", "evident.yaml:1:"],
    ["data: &a [*a]", "evident.yaml:1: aliases (`*name`) are not read here"],
  ])("refuses %j and says where, what and the fix", (yaml, message) => {
    expect(refusal(() => load(yaml))).toContain(message);
  });

  it("names every problem at once, also of environment and flags", () => {
    const message = refusal(() =>
      load("log:\n  level: loud\n", { environment: { EVIDENT_LISTN: "x" }, flags: { "limits.bodyBytes": "ten" } }),
    );
    expect(message).toContain("unknown variable `EVIDENT_LISTN`. Did you mean `EVIDENT_LISTEN`?");
    expect(message).toContain('--limits-body-bytes: `limits.bodyBytes` cannot be "ten"');
    expect(message.split("\n")).toHaveLength(3);
  });

  it("leaves alone the variables that others read, Kubernetes' own among them", () => {
    const environment = {
      EVIDENT_KEY: "k",
      EVIDENT_URL: "u",
      EVIDENT_PORT_7070_TCP: "x",
      EVIDENT_SERVICE_HOST: "h",
      PATH: "",
    };
    expect(load(undefined, { environment }).listen.port).toBe(7070);
  });

  it("serves beyond loopback with TLS or behind a proxy", () => {
    expect(load("listen: 0.0.0.0:1\nbehindProxy: [10.0.0.1]\n").behindProxy).toEqual(["10.0.0.1"]);
    expect(load("listen: 0.0.0.0:1\n", { flags: { "tls.cert": "/c", "tls.key": "/k" } }).tls).toEqual({
      cert: "/c",
      key: "/k",
    });
    expect(load("listen: '[::1]:1'\n").listen).toEqual({ host: "::1", port: 1 });
  });

  it("names a file that is missing", () => {
    expect(refusal(() => load(undefined, { file: "none.yaml" }))).toContain("none.yaml cannot be read");
  });

  it("reads the commented file of `evident init` as the defaults, commented or not", () => {
    const text = renderCommentedConfig();
    const read = load(text);
    expect(read).toEqual({ ...load(undefined), ...pathsOf(read) });
    const uncommented = text.replaceAll(/^( *)#(\w+: \S.*)$/gm, "$1$2");
    expect(uncommented).not.toBe(text);
    expect(load(uncommented)).toMatchObject({ limits: load(undefined).limits, ledger: load(undefined).ledger });
    for (const { path } of configFlags) expect(text).toContain(`#${path.split(".").at(-1)}:`);
  });

  it("never fails otherwise than with config_invalid, whatever the file holds", () => {
    const check = fc.check(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.string({ unit: fc.constantFrom(":", " ", "\n", "a", "-", "&", "*", "{") })),
        (yaml) => ["accepted", "config_invalid"].includes(outcome(() => load(yaml))),
      ),
      { numRuns: 200 },
    );
    expect(check.counterexample).toBeNull();
  });
});

function pathsOf({ data, keys, vault }: Config): Partial<Config> {
  return { data, keys, vault };
}

describe("nearestName", () => {
  it("finds swapped, dropped and changed letters", () => {
    expect(nearestName("lsiten", ["data", "listen", "limits"])).toBe("listen");
    expect(nearestName("PUBLISH_INTERVAL", ["publishIntervalMs", "segmentEntries"])).toBe("publishIntervalMs");
    expect(nearestName("x", [])).toBeUndefined();
  });
});
