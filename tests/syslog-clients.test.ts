import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCertificates, makeTemporaryDirectory, openReceivingServer, type ReceivingServer } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const found = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;
const hasLogger = found("sh", "-c", "logger --version | grep -q util-linux");
const hasRsyslog = found("rsyslogd", "-v");
const hasGnutls = hasRsyslog && found("sh", "-c", "ls /usr/lib/*/rsyslog/lmnsd_gtls.so");
if (!hasLogger)
  process.stderr.write("tests/syslog-clients.test.ts: `logger` is not tested, it is not of util-linux here.\n");
if (!hasRsyslog)
  process.stderr.write("tests/syslog-clients.test.ts: rsyslog is not tested (apt-get install rsyslog).\n");
else if (!hasGnutls)
  process.stderr.write(
    "tests/syslog-clients.test.ts: rsyslog over TLS is not tested (apt-get install rsyslog-gnutls).\n",
  );

const MESSAGES = 2_000;
const directory = makeTemporaryDirectory("syslog-clients");
const certificates = makeCertificates(directory.path);
const { ca, cert, key, clientCert, clientKey } = certificates;
const trails = ["logger-udp", "logger-tcp", "rsyslog-udp", "rsyslog-tcp", "rsyslog-counted", "rsyslog-tls"] as const;
type Trail = (typeof trails)[number];
let running: ReceivingServer;
const ports = new Map<string, number>();

beforeAll(async () => {
  const syslog = trails.map((trail) => {
    const transport = trail.endsWith("udp") ? "udp" : trail.endsWith("tls") ? "tls" : "tcp";
    const to = { trail, tenant: "default", source: "hosts", options: { other: "all" } };
    return { listen: `${transport}://127.0.0.1:0`, ...to, ...(transport === "tls" ? { cert, key, ca } : {}) };
  });
  running = await openReceivingServer(directory.path, { receivers: { syslog } });
  for (const [i, url] of running.server.syslogUrls.entries()) ports.set(trails[i] ?? "", Number(new URL(url).port));
});
afterAll(async () => {
  await running.server.close();
  directory[Symbol.dispose]();
});

const portOf = (trail: Trail): string => String(ports.get(trail));
const lineOf = (i: number): string => `user=person-${i} action=read outcome=success src=203.0.113.9 café`;

function writeLines(name: string): string {
  const file = join(directory.path, name);
  writeFileSync(file, `${Array.from({ length: MESSAGES }, (_, i) => lineOf(i)).join("\n")}\n`);
  return file;
}

interface Stored {
  readonly kind: string;
  readonly event: { readonly actor: { readonly id: string }; readonly origin: { readonly system: string } };
}

const everybody = Array.from({ length: MESSAGES }, (_, i) => `person-${i}`);

async function actorsOf(trail: Trail): Promise<readonly string[]> {
  await running.waitForSize(trail, MESSAGES, 60_000);
  const entries = (await running.entries(trail)) as unknown as readonly Stored[];
  return entries.map(({ event }) => event.actor.id);
}

describe.skipIf(!hasLogger)("logger of util-linux", () => {
  it.each([
    ["logger-tcp", ["--tcp", "--octet-count", "--rfc5424"]],
    ["logger-udp", ["--udp", "--rfc3164"]],
  ] as const)("sends %s, and every message arrives in order", async (trail, options) => {
    const lines = writeLines(`${trail}.txt`);
    const to = ["--server", "127.0.0.1", "--port", portOf(trail), "--tag", "records", "--priority", "authpriv.info"];
    const child = spawn("logger", [...options, ...to, "--file", lines], { stdio: ["ignore", "ignore", "inherit"] });
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await actorsOf(trail)).toEqual(everybody);
  });
});

/** Runs rsyslog, which sends what it is given on a socket of its own, until `work` is done. */
async function withRsyslog(name: string, action: string, work: (socket: string) => Promise<void>): Promise<void> {
  const path = (file: string): string => join(directory.path, `${name}-${file}`);
  const socket = path("log");
  const config = `
global(workDirectory="${directory.path}" DefaultNetstreamDriverCAFile="${ca}"
  DefaultNetstreamDriverCertFile="${clientCert}" DefaultNetstreamDriverKeyFile="${clientKey}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}" RateLimit.Interval="0" UseSysTimeStamp="on")
action(type="omfwd" target="127.0.0.1" ${action} action.resumeRetryCount="-1" queue.type="LinkedList")
`;
  writeFileSync(path("rsyslog.conf"), config);
  const args = ["-n", "-f", path("rsyslog.conf"), "-i", path("pid"), "-C"];
  const child = spawn("rsyslogd", args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => void (said += part.toString()));
  const exited = once(child, "exit");
  try {
    for (let i = 0; i < 200 && !existsSync(socket); i += 1) await sleep(50);
    if (!existsSync(socket)) throw new Error(`rsyslog did not start: ${said}`);
    await work(socket);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}

const counted = 'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"';
const forwards: readonly (readonly [Trail, string])[] = [
  ["rsyslog-tcp", 'protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_ForwardFormat"'],
  ["rsyslog-counted", counted],
  ["rsyslog-udp", 'protocol="udp" template="RSYSLOG_SyslogProtocol23Format"'],
  [
    "rsyslog-tls",
    `${counted} StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"`,
  ],
];

describe.skipIf(!hasRsyslog)("rsyslog", () => {
  const possible = forwards.filter(([trail]) => trail !== "rsyslog-tls" || hasGnutls);
  it.each(possible)("forwards %s, and every message arrives in order", async (trail, action) => {
    const lines = writeLines(`${trail}.txt`);
    let actors: readonly string[] = [];
    await withRsyslog(trail, `${action} port="${portOf(trail)}"`, async (socket) => {
      const options = ["--socket", socket, "--tag", "records", "--priority", "authpriv.info", "--file", lines];
      await once(spawn("logger", options), "exit");
      actors = await actorsOf(trail);
    });
    expect(actors).toEqual(everybody);
  });
});
