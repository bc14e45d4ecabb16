import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { EvidentError } from "@evident/core";
import { makeEvent, makeTemporaryDirectory } from "@evident/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { openRawClient, readEntries, type StartOptions, send, startApi, type TestApi } from "../testing/index.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: StartOptions = {}): Promise<TestApi> {
  const api = await startApi(options);
  closing.push(() => api.close());
  return api;
}

function makeDirectory(): string {
  const directory = makeTemporaryDirectory("transport");
  closing.push(async () => directory[Symbol.dispose]());
  return directory.path;
}

/** Makes a certificate for 127.0.0.1 that says who it is. */
function makeCertificate(dir: string, name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-nodes", "-days", "2", ...curve, "-keyout", key, "-out", cert, ...subject],
    {
      stdio: "pipe",
    },
  );
  return { cert, key };
}

/** The common name of the certificate that a new connection is shown. */
function shownName(url: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

function getOverTls(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${url}${path}`, { headers, rejectUnauthorized: false }, (answer) => {
      let text = "";
      answer.on("data", (part: Buffer) => {
        text += part.toString();
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    request.once("error", reject);
    request.end();
  });
}

function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it started",
    (cause: unknown) => cause,
  );
}

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("TLS (needs openssl to make certificates)", () => {
  it("serves HTTPS alone, from version 1.2 on, and tells browsers to stay with it", async () => {
    const { cert, key } = makeCertificate(makeDirectory(), "first");
    const api = await start({ flags: { "tls.cert": cert, "tls.key": key } });
    expect(api.api.url).toMatch(/^https:/);
    const answer = await getOverTls(api.api.url, "/v1/trails", { authorization: `Bearer ${api.adminKey}` });
    expect(answer.status).toBe(200);
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
    await expect(fetch(api.api.url.replace("https:", "http:"))).rejects.toThrow(/fetch failed/);
    const { port } = new URL(api.api.url);
    const old = connectTls({
      host: "127.0.0.1",
      port: Number(port),
      rejectUnauthorized: false,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const refused = await new Promise((resolve) =>
      old.once("secureConnect", () => resolve("connected")).once("error", () => resolve("refused")),
    );
    expect(refused).toBe("refused");
  });

  it("takes a new certificate without a pause, and keeps the old one while the new is no good", async () => {
    const dir = makeDirectory();
    const [first, second] = [makeCertificate(dir, "first"), makeCertificate(dir, "second")];
    const used = { cert: join(dir, "used.pem"), key: join(dir, "used.key") };
    copyFileSync(first.cert, used.cert);
    copyFileSync(first.key, used.key);
    const api = await start({ flags: { "tls.cert": used.cert, "tls.key": used.key } });
    expect(await shownName(api.api.url)).toBe("first");
    copyFileSync(second.cert, used.cert);
    api.api.reloadTls();
    expect(await shownName(api.api.url)).toBe("first");
    expect(api.logged()).toContain("certificate not loaded, the old one stays in use");
    copyFileSync(second.key, used.key);
    api.api.reloadTls();
    expect(await shownName(api.api.url)).toBe("second");
    writeFileSync(used.cert, "half of a certif");
    api.api.reloadTls();
    expect(await shownName(api.api.url)).toBe("second");
  });

  it("sees by itself that the files have changed", async () => {
    const dir = makeDirectory();
    const [first, second] = [makeCertificate(dir, "first"), makeCertificate(dir, "second")];
    const used = { cert: join(dir, "used.pem"), key: join(dir, "used.key") };
    copyFileSync(first.cert, used.cert);
    copyFileSync(first.key, used.key);
    const api = await start({ flags: { "tls.cert": used.cert, "tls.key": used.key } });
    copyFileSync(second.cert, used.cert);
    copyFileSync(second.key, used.key);
    const end = performance.now() + 20_000;
    while ((await shownName(api.api.url)) !== "second" && performance.now() < end) await sleep(100);
    expect(await shownName(api.api.url)).toBe("second");
  });

  it("stops the start when its files cannot be used", async () => {
    const dir = makeDirectory();
    const [one, two] = [makeCertificate(dir, "one"), makeCertificate(dir, "two")];
    for (const flags of [
      { "tls.cert": one.cert, "tls.key": two.key },
      { "tls.cert": join(dir, "none.pem"), "tls.key": one.key },
    ]) {
      const failure = await failureOf(startApi({ dir: join(dir, "store"), flags }));
      expect(failure).toBeInstanceOf(EvidentError);
      expect(failure).toMatchObject({ code: "config_invalid", message: expect.stringContaining("tls.cert") });
    }
  });
});

describe("listening", () => {
  it.each(["0.0.0.0:0", "[::]:0", "203.0.113.1:7070"])("at %s needs TLS or a proxy", async (listen) => {
    const failure = await failureOf(startApi({ dir: join(makeDirectory(), "s"), flags: { listen } }));
    expect(failure).toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("is reachable from outside"),
    });
  });

  it("at an address that is taken stops the start, and says so", async () => {
    const api = await start();
    const { host } = new URL(api.api.url);
    const failure = await failureOf(startApi({ dir: join(makeDirectory(), "s"), flags: { listen: host } }));
    expect(failure).toMatchObject({ code: "config_invalid", message: expect.stringContaining("EADDRINUSE") });
  });
});

describe("behind a proxy", () => {
  /** The address that the read log states for a request with these headers. */
  async function statedFor(api: TestApi, headers: Record<string, string>): Promise<unknown> {
    expect((await api.fetch("/v1/events", { headers })).status).toBe(200);
    const entry = (await readEntries(api.ledger, "evident-reads")).at(-1);
    return entry?.kind === "event" ? [entry.event.source.ip, entry.event.source.ipTrust] : undefined;
  }

  it("believes X-Forwarded-For as far as it comes from the named ranges", async () => {
    const api = await start({ flags: { behindProxy: "127.0.0.1,10.0.0.0/8" } });
    expect(await statedFor(api, { "x-forwarded-for": "203.0.113.7" })).toEqual(["203.0.113.7", "forwarded"]);
    expect(await statedFor(api, { "x-forwarded-for": "2001:db8::5" })).toEqual(["2001:db8::5", "forwarded"]);
    // The client's own claim stands left of what the proxies saw.
    expect(await statedFor(api, { "x-forwarded-for": "1.2.3.4, 203.0.113.7, 10.1.2.3" })).toEqual([
      "203.0.113.7",
      "forwarded",
    ]);
    expect(await statedFor(api, { "x-forwarded-for": "not an address" })).toEqual(["127.0.0.1", "peer"]);
    expect(await statedFor(api, {})).toEqual(["127.0.0.1", "peer"]);
  });

  it("believes nobody where no proxy is named", async () => {
    const api = await start();
    expect(await statedFor(api, { "x-forwarded-for": "203.0.113.7", forwarded: "for=203.0.113.7" })).toEqual([
      "127.0.0.1",
      "peer",
    ]);
  });

  it("believes no peer outside the ranges, and counts requests by the address that is believed", async () => {
    const trusting = await start({ flags: { behindProxy: "10.0.0.0/8" } });
    expect(await statedFor(trusting, { "x-forwarded-for": "203.0.113.7" })).toEqual(["127.0.0.1", "peer"]);
    const counting = await start({ flags: { behindProxy: "127.0.0.1", "limits.requestsPerSecond": "5" } });
    const ask = (address: string): Promise<number> =>
      counting.fetch("/v1/trails", { key: "", headers: { "x-forwarded-for": address } }).then(({ status }) => status);
    const [mine, theirs] = [
      await Promise.all(Array.from({ length: 12 }, () => ask("203.0.113.7"))),
      await ask("203.0.113.8"),
    ];
    expect(mine).toContain(429);
    expect(theirs).toBe(401);
  });

  it("refuses keys from peers that are neither proxies nor this machine", async ({ skip }) => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === "IPv4" && !each.internal)?.address;
    if (outside === undefined) skip("this machine has no address but loopback");
    const api = await start({ flags: { listen: "0.0.0.0:0", behindProxy: "198.51.100.77" } });
    const { port } = new URL(api.api.url);
    const ask = (host: string, path: string): Promise<number> =>
      fetch(`http://${host}:${port}${path}`, { headers: { authorization: `Bearer ${api.adminKey}` } }).then(
        ({ status }) => status,
      );
    expect(await ask("127.0.0.1", "/v1/trails")).toBe(200);
    expect(await ask(outside ?? "", "/v1/trails")).toBe(403);
    expect(await ask(outside ?? "", "/metrics")).toBe(403);
    expect(await ask(outside ?? "", "/healthz")).toBe(200);
  });

  it("asks for a key for the metrics: the proxy's connection is not this machine's user", async () => {
    const api = await start({ flags: { behindProxy: "127.0.0.1" } });
    expect((await api.fetch("/metrics", { key: "" })).status).toBe(401);
    expect((await api.fetch("/metrics")).status).toBe(200);
  });
});

describe("stopping", () => {
  it("finishes what is under way, refuses what comes later, and closes idle connections", async () => {
    const api = await startApi();
    const client = openRawClient(api.api.url);
    const idle = openRawClient(api.api.url);
    client.write(
      `POST /v1/events HTTP/1.1\r\nhost: t\r\nauthorization: Bearer ${api.adminKey}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = (text: string): void => client.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    chunk(`${JSON.stringify(makeEvent("before"))}\n`);
    await client.until(/"line":1/);
    const closed = api.close();
    await idle.closed;
    chunk(`${JSON.stringify(makeEvent("while"))}\n`);
    client.write("0\r\n\r\n");
    expect(await client.until(/"line":2/)).toContain('"id":"while"');
    await closed;
    await client.closed;
    await expect(send(api, "{}")).rejects.toThrow(/fetch failed/);
  });
});
