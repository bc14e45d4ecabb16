import { gzipSync } from "node:zlib";
import {
  hasS3Server,
  makeTemporaryDirectory,
  openReceivingServer,
  type ReceivingServer,
  type RunningServer,
  type S3Server,
  startS3,
  startServer,
} from "@evident/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const hasS3 = hasS3Server();
const bucketRoot = makeTemporaryDirectory("s3-buckets");
let s3: S3Server;
let made = 0;
let bucket = "";
let home: ReturnType<typeof makeTemporaryDirectory>;
const open: ReceivingServer[] = [];

beforeAll(async () => {
  if (!hasS3) return;
  s3 = await startS3(bucketRoot.path);
  const { accessKeyId, secretAccessKey } = s3;
  process.env["AWS_ACCESS_KEY_ID"] = accessKeyId;
  process.env["AWS_SECRET_ACCESS_KEY"] = secretAccessKey;
});
afterAll(async () => {
  await s3?.stop();
  bucketRoot[Symbol.dispose]();
});
beforeEach(async () => {
  made += 1;
  bucket = `logs-${made}`;
  home = makeTemporaryDirectory("s3-receiver");
  await s3.makeBucket(bucket);
});
afterEach(async () => {
  for (const running of open.splice(0)) await running.server.close();
  home[Symbol.dispose]();
});

const put = (key: string, body: string | Uint8Array): Promise<void> => s3.put(bucket, key, body);

async function start(change: object = {}): Promise<ReceivingServer> {
  const { endpoint, region } = s3;
  const receiver = { bucket, region, endpoint, forcePathStyle: true, prefix: "AWSLogs/", everySeconds: 1, ...change };
  const config = {
    receivers: { s3: [{ source: "aws", trail: "aws", tenant: "default", format: "cloudtrail", ...receiver }] },
  };
  const running = await openReceivingServer(home.path, config);
  open.push(running);
  return running;
}

async function stop(running: ReceivingServer): Promise<void> {
  open.splice(open.indexOf(running), 1);
  await running.server.close();
}

function record(id: string): object {
  return {
    eventVersion: "1.11",
    eventID: id,
    eventTime: "2026-11-25T10:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "GetObject",
    awsRegion: "eu-central-1",
    sourceIPAddress: "203.0.113.9",
    userAgent: "aws-cli/2",
    userIdentity: {
      type: "IAMUser",
      principalId: "AIDA1",
      arn: "arn:aws:iam::111122223333:user/ada",
      accountId: "111122223333",
      userName: "ada",
    },
    requestParameters: { bucketName: "b", key: "k" },
    responseElements: null,
    readOnly: true,
    eventType: "AwsApiCall",
    recipientAccountId: "111122223333",
    requestID: `r-${id}`,
  };
}

const trailFile = (...ids: readonly string[]): Uint8Array =>
  new Uint8Array(gzipSync(JSON.stringify({ Records: ids.map(record) })));
const ids = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, i) => `id-${from + i}`);
const keyOf = (name: string, { region = "eu-central-1", day = "2026/11/25" } = {}): string =>
  `AWSLogs/111122223333/CloudTrail/${region}/${day}/${name}.json.gz`;

async function idsIn(running: ReceivingServer): Promise<readonly string[]> {
  const entries = await running.entries("aws");
  return entries.map(({ event }) => (event as { id: string } | undefined)?.id ?? "quarantined");
}

async function statements(running: ReceivingServer): Promise<readonly Record<string, unknown>[]> {
  const entries = await running.entries("evident");
  return entries.flatMap(({ statement }) => {
    const { type, objects } = (statement ?? {}) as { type?: string; objects?: Record<string, unknown>[] };
    return type === "s3.objects_read" ? (objects ?? []) : [];
  });
}

describe.skipIf(!hasS3)("a receiver of an S3 prefix", () => {
  it("reads every object once, those that appear later in any order too, and goes on after a restart", async () => {
    await put(keyOf("b"), trailFile(...ids(0, 50)));
    await put(keyOf("a", { region: "us-east-1" }), trailFile(...ids(50, 100)));
    await put("elsewhere/x.json.gz", trailFile("no"));
    const first = await start();
    await first.waitForSize("aws", 100);
    // Before every key that was read, and in a folder of a day that has passed.
    await put(keyOf("a", { region: "ap-south-1" }), trailFile(...ids(100, 120)));
    await put(keyOf("late", { day: "2026/11/24" }), trailFile(...ids(120, 130)));
    await first.waitForSize("aws", 130);
    await stop(first);
    await put(keyOf("c"), trailFile(...ids(130, 140)));
    const second = await start();
    await second.waitForSize("aws", 140);
    expect([...(await idsIn(second))].sort()).toEqual([...ids(0, 140)].sort());
    const read = await statements(second);
    expect(read.map(({ key }) => key)).toHaveLength(5);
    expect(read.every(({ duplicates, quarantined }) => duplicates === 0 && quarantined === 0)).toBe(true);
    expect(await second.metric("evident_receiver_objects_total", "done")).toBe(1);
  });

  it("reads an object that was replaced, and knows the records it had", async () => {
    await put(keyOf("a"), trailFile("one", "two"));
    const running = await start();
    await running.waitForSize("aws", 2);
    await put(keyOf("a"), trailFile("one", "two", "three"));
    await running.waitForSize("aws", 3);
    expect([...(await idsIn(running))].sort()).toEqual(["one", "three", "two"]);
    await expect.poll(() => statements(running)).toMatchObject([{ stored: 2 }, { stored: 1, duplicates: 2 }]);
  });

  it("stores what can be read of a damaged object, states it, and is not held up by it", async () => {
    const whole = trailFile(...ids(0, 2_000));
    await put(keyOf("a-damaged"), whole.subarray(0, whole.length - 200));
    await put(keyOf("b"), trailFile("fine"));
    await put(keyOf("c"), "no JSON at all\n");
    await put(
      "AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/11/25/d.json.gz",
      new Uint8Array(gzipSync("{}")),
    );
    const running = await start();
    await expect.poll(async () => (await statements(running)).length, { timeout: 10_000 }).toBe(3);
    const read = await statements(running);
    expect(read.find(({ failed }) => failed !== undefined)).toMatchObject({
      key: keyOf("a-damaged"),
      failed: expect.stringMatching(/gzip body is damaged/),
    });
    const found = await idsIn(running);
    expect(found).toContain("fine");
    expect(found.length).toBeGreaterThan(1_000);
    expect(await running.metric("evident_receiver_objects_total", "failed")).toBe(1);
    expect(await running.metric("evident_receiver_objects_total", "done")).toBe(2);
  });

  it("reads lines without ids once each, however often they stand there, also when it has to read an object again", async () => {
    const line = `203.0.113.9 - ada [25/Nov/2026:10:00:00 +0000] "GET /records/7 HTTP/1.1" 200 512 "-" "curl/8"`;
    await put("AWSLogs/web.log", `${line}\n`.repeat(20));
    const running = await start({ format: "nginx", source: "web", trail: "web" });
    await running.waitForSize("web", 20);
    await expect.poll(async () => (await statements(running)).length).toBe(1);
    await stop(running);
    // Another prefix of the same bucket: nothing is known of what was read, the records are.
    const again = await start({ format: "nginx", source: "web", trail: "web", prefix: "" });
    await expect.poll(async () => (await statements(again)).length).toBe(2);
    expect((await statements(again)).at(-1)).toMatchObject({ stored: 0, duplicates: 20 });
    expect(await again.size("web")).toBe(20);
  });

  it("waits for a bucket that cannot be reached, and never logs what it signs with", async () => {
    await put(keyOf("a"), trailFile("one"));
    const { port } = new URL(s3.endpoint);
    await s3.stop();
    const running = await start();
    await expect.poll(() => running.logged(), { timeout: 20_000 }).toContain("the bucket cannot be read");
    s3 = await startS3(bucketRoot.path, Number(port));
    await running.waitForSize("aws", 1, 40_000);
    expect(running.logged()).not.toContain(s3.secretAccessKey);
    expect(running.logged()).not.toContain(s3.accessKeyId);
  });

  it("begins after the key that is named", async () => {
    await put(keyOf("a"), trailFile("old"));
    await put(keyOf("b"), trailFile("new"));
    const running = await start({ startAfter: keyOf("a") });
    await running.waitForSize("aws", 1);
    await put(keyOf("c"), trailFile("newer"));
    await running.waitForSize("aws", 2);
    expect(await idsIn(running)).toEqual(["new", "newer"]);
  });

  it("stores every record once when the server is killed in the middle, again and again", async () => {
    const line = (i: number): string =>
      `203.0.113.9 - person-${i % 7} [25/Nov/2026:10:00:00 +0000] "GET /records HTTP/1.1" 200 512 "-" "curl/8"\n`;
    const OBJECTS = 40;
    const LINES = 500;
    for (let i = 0; i < OBJECTS; i += 1) {
      await put(
        `web/${i}.log.gz`,
        new Uint8Array(gzipSync(Array.from({ length: LINES }, (_, at) => line(at)).join(""))),
      );
    }
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    const receiver = {
      bucket,
      region,
      endpoint,
      forcePathStyle: true,
      prefix: "web/",
      everySeconds: 1,
      format: "nginx",
    };
    const env = {
      EVIDENT_RECEIVERS_S3: JSON.stringify([{ ...receiver, source: "web", trail: "main" }]),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const dataDir = `${home.path}/killed`;
    const sizeOf = async ({ url, adminKey }: RunningServer): Promise<number> => {
      const answer = await fetch(`${url}/v1/trails/main`, { headers: { authorization: `Bearer ${adminKey}` } });
      return ((await answer.json()) as { size: number }).size;
    };
    let size = 0;
    for (let kills = 0; kills < 3; kills += 1) {
      await using server = await startServer({ dataDir, env });
      const before = size;
      await expect
        .poll(async () => (size = await sizeOf(server)), { timeout: 30_000, interval: 5 })
        .toBeGreaterThan(before);
      await server.kill();
    }
    await using server = await startServer({ dataDir, env });
    await expect.poll(() => sizeOf(server), { timeout: 60_000 }).toBe(OBJECTS * LINES);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await sizeOf(server)).toBe(OBJECTS * LINES);
    await server.stop();
  });
});
