import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@evident/testkit";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { type MeasuredServer, startEvident } from "./evident-server.ts";
import { type Distribution, distributionOf, showMs, showSpread, spreadOf, whole } from "./measure.ts";
import { useOf } from "./process-use.ts";

const OTLP_RECORDS = 500;
const OTLP_IN_FLIGHT = 4;
const SYSLOG_CHUNK = 500;

interface Run {
  readonly webhook: Distribution;
  readonly refused: number;
  readonly otlpPerSecond: number;
  readonly syslogPerSecond: number;
  /** Microseconds of processor time of the server for a record, index and all: they hold on a busy machine too. */
  readonly cpuUs: { readonly webhook: number; readonly otlp: number; readonly syslog: number };
}

/** Processor time of the server while something runs, in microseconds for each of its records. */
async function withCpu<Result>(
  server: MeasuredServer,
  records: number,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly cpuUs: number }> {
  const beforeMs = useOf(server.pid)?.cpuMs ?? 0;
  const result = await work();
  const cpuUs = (((useOf(server.pid)?.cpuMs ?? 0) - beforeMs) * 1_000) / records;
  return { result, cpuUs };
}

function auditEvent(id: string): object {
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: id,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/pay/secrets/db?resourceVersion=0",
    verb: "get",
    user: {
      username: "system:serviceaccount:pay:api",
      uid: "u-1",
      groups: ["system:serviceaccounts", "system:authenticated"],
    },
    sourceIPs: ["10.0.0.7"],
    userAgent: "api/v1.4 (linux/amd64) kubernetes/1.34",
    objectRef: { resource: "secrets", namespace: "pay", name: "db", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: "2026-11-24T09:30:00.123456Z",
    stageTimestamp: "2026-11-24T09:30:00.133456Z",
    annotations: {
      "authorization.k8s.io/decision": "allow",
      "authorization.k8s.io/reason": "RBAC: allowed by RoleBinding",
    },
  };
}

function otlpRequest(first: number): string {
  const logRecords = Array.from({ length: OTLP_RECORDS }, (_, i) => ({
    timeUnixNano: String(1_764_062_400_000_000_000n + BigInt(first + i)),
    eventName: "order.read",
    severityNumber: 9,
    body: { stringValue: `order ${first + i} read` },
    attributes: [
      { key: "user.id", value: { stringValue: `u-${i % 97}` } },
      { key: "access.op", value: { stringValue: "READ" } },
      { key: "access.resource.type", value: { stringValue: "order" } },
      { key: "access.resource.id", value: { stringValue: `o-${first + i}` } },
      { key: "client.address", value: { stringValue: "203.0.113.9" } },
    ],
  }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "shop" }, logRecords }] }] });
}

const message = (i: number): string =>
  `<38>1 2026-11-25T10:00:00.${String(i % 1_000_000).padStart(6, "0")}Z web-1 sshd 4711 - - Accepted publickey for user${i} from 203.0.113.9 port ${1_024 + (i % 60_000)} ssh2: ED25519 SHA256:x\n`;

async function post(server: MeasuredServer, path: string, body: string): Promise<number> {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const answer = await fetch(`${server.url}${path}`, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

/** Sends lists at their times, whether those before were answered or not; latencies count from the time a list was due. */
async function measureWebhook(
  server: MeasuredServer,
  context: BenchmarkContext,
): Promise<Pick<Run, "webhook" | "refused">> {
  const lists = flagOf(context, "lists");
  const events = flagOf(context, "events");
  const total = lists * flagOf(context, "seconds");
  const latencies: number[] = [];
  let refused = 0;
  const send = async (i: number, dueMs: number): Promise<void> => {
    const items = Array.from({ length: events }, (_, event) => auditEvent(`a-${i}-${event}`));
    const body = JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items });
    const status = await post(server, "/v1/receive/kubernetes?source=prod", body);
    if (status !== 200) refused += 1;
    latencies.push(performance.now() - dueMs);
  };
  const startMs = performance.now();
  const under: Promise<void>[] = [];
  for (let i = 0; i < total; i += 1) {
    const dueMs = startMs + (i * 1_000) / lists;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    under.push(send(i, dueMs));
  }
  await Promise.all(under);
  return { webhook: distributionOf(latencies), refused };
}

async function measureOtlp(server: MeasuredServer, records: number): Promise<number> {
  const bodies = Array.from({ length: Math.ceil(records / OTLP_RECORDS) }, (_, i) => otlpRequest(i * OTLP_RECORDS));
  const queue = bodies.values();
  const startMs = performance.now();
  const work = async (): Promise<void> => {
    for (const body of queue) {
      const status = await post(server, "/v1/logs?source=shop", body);
      if (status !== 200) throw new Error(`POST /v1/logs was answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: OTLP_IN_FLIGHT }, work));
  return (bodies.length * OTLP_RECORDS * 1_000) / (performance.now() - startMs);
}

async function sizeOf(server: MeasuredServer, trail: string): Promise<number> {
  const answer = await fetch(`${server.url}/v1/trails/${trail}`, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  return ((await answer.json()) as { readonly size: number }).size;
}

async function measureSyslog(server: MeasuredServer, port: number, messages: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const startMs = performance.now();
  for (let i = 0; i < messages; i += SYSLOG_CHUNK) {
    const chunk = Array.from({ length: SYSLOG_CHUNK }, (_, at) => message(i + at)).join("");
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  const wanted = Math.ceil(messages / SYSLOG_CHUNK) * SYSLOG_CHUNK;
  while ((await sizeOf(server, "hosts")) < wanted) await sleep(20);
  const tookMs = performance.now() - startMs;
  socket.end();
  return (wanted * 1_000) / tookMs;
}

/** `npm run bench -- receivers`. */
export const receivers: Benchmark = {
  name: "receivers",
  summary: "Latency of the Kubernetes webhook; records a second over OTLP and syslog.",
  about: `One server with its defaults. EventLists are sent at a fixed rate, each timed from when it was due to its answer, which comes when its
events are durable. OTLP in JSON, ${OTLP_RECORDS} records a request, ${OTLP_IN_FLIGHT} requests at a time, until the last answer. Syslog over one TCP
connection as fast as it is taken, until everything is durable.`,
  flags: {
    lists: { default: 300, summary: "EventLists a second." },
    events: { default: 10, summary: "Events a list." },
    seconds: { default: 10, summary: "Seconds of EventLists." },
    records: { default: 50_000, summary: "Records over OTLP." },
    messages: { default: 100_000, summary: "Messages over syslog." },
  },
  async run(context: BenchmarkContext): Promise<BenchmarkResult> {
    const runs: Run[] = [];
    for (let run = 0; run < context.runs; run += 1) {
      const port = await freePort();
      const listener = { listen: `tcp://127.0.0.1:${port}`, trail: "hosts", tenant: "default", source: "hosts" };
      const server = await startEvident(join(context.directory, `run-${run}`), {
        EVIDENT_RECEIVERS_SYSLOG: JSON.stringify([listener]),
        EVIDENT_LIMITS_REQUESTS_PER_SECOND: "100000",
      });
      const sent = flagOf(context, "lists") * flagOf(context, "seconds") * flagOf(context, "events");
      const webhook = await withCpu(server, sent, () => measureWebhook(server, context));
      const records = flagOf(context, "records");
      const otlp = await withCpu(server, records, () => measureOtlp(server, records));
      const messages = flagOf(context, "messages");
      const syslog = await withCpu(server, messages, () => measureSyslog(server, port, messages));
      await server.stop();
      const cpuUs = { webhook: webhook.cpuUs, otlp: otlp.cpuUs, syslog: syslog.cpuUs };
      runs.push({ ...webhook.result, otlpPerSecond: otlp.result, syslogPerSecond: syslog.result, cpuUs });
      context.say(`run ${run + 1}: webhook ${showMs(webhook.result.webhook)}`);
    }
    const [middle] = runs.toSorted((a, b) => a.webhook.p50 - b.webhook.p50).slice(Math.floor(runs.length / 2));
    const lists = `${whole(flagOf(context, "lists"))}/s of ${whole(flagOf(context, "events"))}`;
    return {
      rows: [
        [`EventLists, ${lists}`, middle === undefined ? "" : showMs(middle.webhook)],
        ["refused", whole(runs.reduce((sum, { refused }) => sum + refused, 0))],
        ["OTLP", showSpread(spreadOf(runs.map(({ otlpPerSecond }) => otlpPerSecond)), "records/s")],
        ["syslog over TCP", showSpread(spreadOf(runs.map(({ syslogPerSecond }) => syslogPerSecond)), "messages/s")],
        [
          "processor time",
          middle === undefined
            ? ""
            : `${whole(middle.cpuUs.webhook)} µs an event, ${whole(middle.cpuUs.otlp)} µs a record, ${whole(middle.cpuUs.syslog)} µs a message`,
        ],
      ],
      data: { runs },
    };
  },
};
