import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { makeCertificates, makeTemporaryDirectory, openReceivingServer, type ReceivingServer } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const examples = join(import.meta.dirname, "../examples/shippers");
/** Another syslog-ng than the installed one: a command with its first arguments. */
const syslogNg = (process.env["SYSLOG_NG"] ?? "syslog-ng").split(" ");
const runs = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;
const hasRsyslog = runs("sh", "-c", "rsyslogd -v && ls /usr/lib/*/rsyslog/lmnsd_gtls.so");
const hasSyslogNg = runs(syslogNg[0] ?? "", ...syslogNg.slice(1), "--version");
if (!hasRsyslog)
  process.stderr.write("examples/shippers/rsyslog.conf is not tested: it needs rsyslog and rsyslog-gnutls.\n");
if (!hasSyslogNg) process.stderr.write("examples/shippers/syslog-ng.conf is not tested: it needs syslog-ng.\n");

const MESSAGES = 500;
const directory = makeTemporaryDirectory("shippers");
const { ca, cert, key, clientCert, clientKey } = makeCertificates(directory.path);
let running: ReceivingServer;
const ports = new Map<string, string>();

beforeAll(async () => {
  const syslog = ["rsyslog", "syslog-ng"].map((trail) => {
    const to = { trail, tenant: "default", source: "hosts", options: { other: "all" } };
    return { listen: "tls://127.0.0.1:0", cert, key, ca, ...to };
  });
  running = await openReceivingServer(directory.path, { receivers: { syslog } });
  for (const [i, url] of running.server.syslogUrls.entries()) ports.set(syslog[i]?.trail ?? "", new URL(url).port);
});
afterAll(async () => {
  await running.server.close();
  directory[Symbol.dispose]();
});

/** An example with this machine's host, port and files in it. */
function filledIn(name: string, port: string): string {
  return readFileSync(join(examples, name), "utf8")
    .replaceAll("evident.example.org", "localhost")
    .replaceAll("6514", port)
    .replaceAll("/etc/evident/ca.pem", ca)
    .replaceAll("/etc/evident/client.pem", clientCert)
    .replaceAll("/etc/evident/client-key.pem", clientKey);
}

/** Runs a syslog daemon, gives it messages for two facilities on its socket, and returns who is in those that arrived. */
async function actorsThrough(trail: string, command: readonly string[], socket: string): Promise<readonly string[]> {
  const [name = "", ...args] = command;
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], cwd: directory.path });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => void (said += part.toString()));
  const exited = once(child, "exit");
  try {
    for (let i = 0; i < 200 && !existsSync(socket); i += 1) await sleep(50);
    if (!existsSync(socket)) throw new Error(`${name} did not start: ${said}`);
    const lines = join(directory.path, `${trail}.txt`);
    writeFileSync(lines, `${Array.from({ length: MESSAGES }, (_, i) => `user=person-${i} action=read`).join("\n")}\n`);
    for (const facility of ["daemon", "authpriv"]) {
      const options = ["--socket", socket, "--socket-errors=on", "--tag", "records", "--priority", `${facility}.info`];
      await once(spawn("logger", [...options, "--file", lines]), "exit");
    }
    await running.waitForSize(trail, MESSAGES, 30_000);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
  const entries = (await running.entries(trail)) as unknown as readonly {
    readonly event: { readonly actor: { readonly id: string } };
  }[];
  return entries.map(({ event }) => event.actor.id);
}

const everybody = Array.from({ length: MESSAGES }, (_, i) => `person-${i}`);

describe("the example for", () => {
  it.skipIf(!hasRsyslog)("rsyslog sends what is for security, and all of it arrives", async () => {
    const socket = join(directory.path, "rsyslog.sock");
    const input = `module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="${socket}" RateLimit.Interval="0")\n`;
    const config = join(directory.path, "rsyslog.conf");
    const place = `global(workDirectory="${directory.path}")\n`;
    writeFileSync(config, `${place}${filledIn("rsyslog.conf", ports.get("rsyslog") ?? "")}\n${input}`);
    const command = ["rsyslogd", "-n", "-f", config, "-i", join(directory.path, "rsyslog.pid"), "-C"];
    expect(await actorsThrough("rsyslog", command, socket)).toEqual(everybody);
  });

  it.skipIf(!hasSyslogNg)("syslog-ng sends what is for security, and all of it arrives", async () => {
    const socket = join(directory.path, "syslog-ng.sock");
    const config = join(directory.path, "syslog-ng.conf");
    const input = `@version: 3.35\nsource s_src { unix-dgram("${socket}"); };\n`;
    writeFileSync(config, `${input}${filledIn("syslog-ng.conf", ports.get("syslog-ng") ?? "")}`);
    const files = ["persist", "pid", "ctl", "qdisk"].map((file) => join(directory.path, `syslog-ng.${file}`));
    const [persist = "", pid = "", control = ""] = files;
    const options = ["--foreground", "--no-caps", "-f", config, "-R", persist, "-p", pid, "-c", control];
    expect(await actorsThrough("syslog-ng", [...syslogNg, ...options], socket)).toEqual(everybody);
  });

  it.each([
    ["vector.yaml", "web", (lines: readonly string[]) => `${lines.join("\n")}\n`],
    ["fluent-bit.conf", "cluster", (lines: readonly string[]) => `${lines.join("\n")}\n`],
    ["logstash.conf", "aws", (lines: readonly string[]) => `[${lines.join(",")}]`],
  ])("%s asks for what the server takes", async (file, source, join) => {
    const text = readFileSync(`${examples}/${file}`, "utf8");
    const path = /\/v1\/events\?[^\s"]+/.exec(text)?.[0] ?? "";
    const records = sample(new URLSearchParams(path.split("?")[1]).get("format") ?? "");
    const answer = await fetch(`${running.server.url}${path}&source=${source}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${running.key}`,
        "content-type": "application/x-ndjson",
        "content-encoding": "gzip",
      },
      body: new Uint8Array(gzipSync(join(records))),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { read: 3, accepted: 3 }]);
  });
});

/** Three records of a format. */
function sample(format: string): readonly string[] {
  const made: Readonly<Record<string, (i: number) => string>> = {
    nginx: (i) => `203.0.113.9 - ada [25/Nov/2026:10:00:0${i} +0000] "GET /records/${i} HTTP/1.1" 200 512 "-" "curl/8"`,
    kubernetes: (i) =>
      JSON.stringify({
        kind: "Event",
        apiVersion: "audit.k8s.io/v1",
        auditID: `shipped-${i}`,
        stage: "ResponseComplete",
        verb: "get",
        user: { username: "jane", uid: "u-1" },
        sourceIPs: ["203.0.113.9"],
        objectRef: { resource: "secrets", namespace: "pay", name: "db" },
        responseStatus: { code: 200 },
        requestReceivedTimestamp: "2026-11-24T09:30:00.123456Z",
      }),
    cloudtrail: (i) =>
      JSON.stringify({
        eventVersion: "1.11",
        eventID: `shipped-${i}`,
        eventTime: "2026-11-25T10:00:00Z",
        eventSource: "s3.amazonaws.com",
        eventName: "GetObject",
        awsRegion: "eu-central-1",
        sourceIPAddress: "203.0.113.9",
        userIdentity: {
          type: "IAMUser",
          principalId: "AIDA1",
          arn: "arn:aws:iam::111122223333:user/ada",
          accountId: "111122223333",
        },
        requestParameters: { bucketName: "b", key: "k" },
        readOnly: true,
        eventType: "AwsApiCall",
        recipientAccountId: "111122223333",
      }),
  };
  return [0, 1, 2].map((i) => made[format]?.(i) ?? "");
}
