import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { afterEach, describe, expect, it } from "vitest";
import { type Config, type ConfigSources, loadConfig } from "./index.ts";

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function load(yaml: string, sources: Partial<ConfigSources> = {}): Config {
  const dir = mkdtempSync(join(tmpdir(), "evident-config-"));
  made.push(dir);
  writeFileSync(join(dir, "evident.yaml"), yaml);
  return loadConfig({ environment: {}, flags: {}, workingDirectory: dir, ...sources });
}

function refusal(yaml: string): string {
  try {
    load(yaml);
  } catch (error) {
    if (error instanceof EvidentError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

const syslog = (...lines: readonly string[]): string =>
  [
    "receivers:",
    "  syslog:",
    "    - trail: hosts",
    "      source: hosts",
    ...lines.map((line) => `      ${line}`),
  ].join("\n");
const s3 = (...lines: readonly string[]): string =>
  ["receivers:", "  s3:", "    - {trail: aws, source: aws, bucket: logs, region: eu-1}", ...lines].join("\n");

describe("the receivers", () => {
  it("are none by default", () => {
    expect(load("").receivers).toEqual({ syslog: [], s3: [] });
  });

  it("have their defaults filled in and their paths made absolute", () => {
    const config = load(syslog("listen: tls://[::1]:6514", "cert: c.pem", "key: /k.pem", "options: {year: 2026}"));
    expect(config.receivers.syslog).toEqual([
      {
        listen: { transport: "tls", host: "::1", port: 6514 },
        trail: "hosts",
        source: "hosts",
        format: "syslog",
        options: { year: 2026 },
        allowPlain: false,
        cert: join(made[0] ?? "", "c.pem"),
        key: "/k.pem",
      },
    ]);
    expect(load(s3()).receivers.s3).toEqual([
      {
        bucket: "logs",
        prefix: "",
        region: "eu-1",
        forcePathStyle: false,
        allowPlain: false,
        format: "auto",
        options: {},
        source: "aws",
        trail: "aws",
        everySeconds: 60,
      },
    ]);
  });

  it("are JSON in a variable", () => {
    const text = JSON.stringify([{ listen: "udp://127.0.0.1:5514", trail: "hosts", source: "hosts" }]);
    const config = load("", { environment: { EVIDENT_RECEIVERS_SYSLOG: text } });
    expect(config.receivers.syslog).toMatchObject([{ listen: { transport: "udp", port: 5514 } }]);
  });

  it("are reachable in the clear only where that is allowed", () => {
    expect(load(syslog("listen: udp://0.0.0.0:514", "allowPlain: true")).receivers.syslog).toHaveLength(1);
    expect(load(`${s3()}\n`.replace("eu-1", "eu-1, endpoint: 'http://127.0.0.1:7071'")).receivers.s3).toHaveLength(1);
  });

  it.each([
    [
      syslog("listen: 127.0.0.1:514"),
      '`receivers.syslog[0].listen` cannot be "127.0.0.1:514". Transport, address and port',
    ],
    [syslog("listen: udp://127.0.0.1:70000"), "`receivers.syslog[0].listen` has no address and port"],
    [syslog("listen: udp://0.0.0.0:514"), "is reachable from outside without TLS. Use tls://"],
    [syslog("listen: tls://0.0.0.0:6514"), "`receivers.syslog[0]` has no certificate. Set its `cert` and `key`"],
    [syslog("listen: tls://0.0.0.0:6514", "cert: c.pem"), "has only one of `cert` and `key`"],
    [syslog("listen: tcp://127.0.0.1:6514", "ca: c.pem"), "has files for TLS and is no tls://"],
    [syslog("listn: udp://127.0.0.1:514"), "unknown key `receivers.syslog[0].listn`. Did you mean `listen`?"],
    [syslog("listn: udp://127.0.0.1:514"), "`receivers.syslog[0].listen` is missing. Set it: Transport"],
    ["receivers:\n  syslog: udp://127.0.0.1:514", "`receivers.syslog` cannot be"],
    ["receivers:\n  syslog: [7]", "`receivers.syslog[0]` is no object. Give a list of objects"],
    [
      s3().replace("eu-1", "eu-1, everySeconds: 0"),
      "`receivers.s3[0].everySeconds` cannot be 0. Seconds between two looks",
    ],
    [
      s3().replace("eu-1", "eu-1, endpoint: 'http://minio:9000'"),
      "`receivers.s3[0].endpoint` http://minio:9000 is not encrypted",
    ],
    [s3("    - {bucket: x}"), "`receivers.s3[1].region` is missing"],
  ])("are refused with the key and the fix: %j", (yaml, message) => {
    expect(refusal(yaml)).toContain(message);
  });
});
