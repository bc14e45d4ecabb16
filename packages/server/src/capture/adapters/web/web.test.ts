import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAdapterOptions } from "../../adapt/index.ts";
import { readNative } from "../../testing/index.ts";
import { adapters } from "../index.ts";
import { apache } from "./apache.ts";
import { combined } from "./combined.ts";
import { nginx } from "./nginx.ts";

const at = "[17/May/2026:10:05:03 +0200]";
const line = `203.0.113.9 - alice ${at} "GET /x?a=1&token=abc HTTP/1.1" 200 12 "https://u:pw@r.example/?sig=1" "curl/8"`;

describe("the combined adapter", () => {
  it("reads who asked for what, without secrets", async () => {
    const { events } = await readNative(combined, line, { options: { site: "shop.example" } });
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.000000000Z", precision: "s", basis: "event", tz: "stated" },
      actor: { type: "user", id: "alice", ns: "http:shop.example" },
      action: { op: "READ", name: "GET", kind: "http" },
      resources: [{ type: "http.path", id: "/x", scope: ["shop.example"] }],
      outcome: { status: "success", code: "200" },
      source: { ip: "203.0.113.9", ipTrust: "peer", userAgent: "curl/8" },
      impact: { bytesOut: "12" },
      origin: { system: "shop.example", adapter: "combined" },
      native: {
        remote_addr: "203.0.113.9",
        remote_user: "alice",
        time_local: "17/May/2026:10:05:03 +0200",
        request: "GET /x?a=1&token=*** HTTP/1.1",
        status: "200",
        body_bytes_sent: "12",
        http_referer: "https://u:***@r.example/?sig=***",
        http_user_agent: "curl/8",
      },
    });
    expect(events[0]?.origin.warnings).toBeUndefined();
  });

  it.each([
    ["a user with spaces", `1.2.3.4 - a b c ${at} "GET / HTTP/1.1" 200 1`, { actor: { id: "a b c" } }],
    [
      "a user that imitates a time",
      `1.2.3.4 - x [01/Jan/2020:00:00:00 +0000] ${at} "GET / HTTP/1.1" 200 1`,
      { time: { occurred: "2026-05-17T08:05:03.000000000Z" } },
    ],
    [
      "a request that imitates an answer",
      String.raw`1.2.3.4 - - ${at} "GET /\" 200 5 HTTP/1.1" 404 1`,
      { outcome: { code: "404" } },
    ],
    [
      "quotes that were not escaped",
      `1.2.3.4 - - ${at} "GET /?q="x" HTTP/1.1" 404 1 "-" "say "hi""`,
      { outcome: { code: "404" }, source: { userAgent: 'say "hi"' } },
    ],
    [
      "a virtual host",
      `shop.example:443 1.2.3.4 - - ${at} "GET / HTTP/1.1" 200 1`,
      { resources: [{ scope: ["shop.example"] }], origin: { system: "shop.example" } },
    ],
    [
      "a client's name",
      `client.example - - ${at} "GET / HTTP/1.1" 200 1`,
      { source: { host: "client.example" }, actor: { type: "anonymous", id: "client.example" } },
    ],
    [
      "forwarded addresses",
      `10.0.0.1 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" "203.0.113.9, 10.0.0.7"`,
      { source: { ip: "10.0.0.1", ipTrust: "peer", via: ["203.0.113.9", "10.0.0.7"] } },
    ],
    [
      "a proxy's request",
      `1.2.3.4 - - ${at} "GET http://evil.example/x?y HTTP/1.1" 400 1`,
      { resources: [{ type: "http.url", id: "http://evil.example/x" }] },
    ],
    [
      "a tunnel",
      `1.2.3.4 - - ${at} "CONNECT evil.example:443 HTTP/1.1" 405 1`,
      { resources: [{ type: "http.authority", id: "evil.example:443" }], action: { op: "OTHER" } },
    ],
    [
      "no request at all",
      `1.2.3.4 - - ${at} "-" 408 0`,
      { action: { op: "OTHER", name: "unreadable request" }, outcome: { status: "failure" } },
    ],
    [
      "a method nobody knows",
      `1.2.3.4 - - ${at} "BREW /pot HTTP/1.1" 418 0`,
      { action: { op: "OTHER", name: "BREW" }, origin: { warnings: ["op:default", "system:default"] } },
    ],
    ["HTTP/0.9", `1.2.3.4 - - ${at} "GET /old" 200 0`, { resources: [{ id: "/old" }] }],
    [
      "a line that was cut",
      `1.2.3.4 - - ${at} "GET / HTTP/1.1" 200 1 "-" "Mozil`,
      { source: { userAgent: "Mozil" }, origin: { warnings: ["line:cut", "system:default"] } },
    ],
    [
      "further fields",
      `1.2.3.4 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" 0.003 token=abc`,
      { native: { rest: "0.003 token=***" } },
    ],
    [
      "IPv6",
      `2001:db8::1 - - ${at} "DELETE /x HTTP/2.0" 204 0`,
      { source: { ip: "2001:db8::1" }, action: { op: "DELETE" } },
    ],
    ["a socket", `unix: - - ${at} "GET / HTTP/1.1" 200 1`, { actor: { type: "unknown" } }],
  ] as const)("reads %s", async (_what, text, expected) => {
    const { events } = await readNative(combined, text);
    expect(events[0]).toMatchObject(expected);
  });

  it("says of what it cannot read why", async () => {
    const bad = [
      `1.2.3.4 - - ${at} "GET / HTT`,
      "hello",
      `1.2.3.4 - - [99/May/2026:10:05:03 +0200] "GET / HTTP/1.1" 200 1`,
      `Oct 11 22:14:15 web1 nginx: ${line}`,
    ];
    const { readings } = await readNative(combined, bad.join("\n"));
    expect(readings.map(({ kind }) => kind)).toEqual(bad.map(() => "unreadable"));
    const binary = await readNative(combined, Buffer.from([0x31, 0xff, 0xfe, 0x0a]));
    expect(binary.readings[0]).toMatchObject({
      kind: "unreadable",
      reasons: [{ problem: "the record is not UTF-8 text" }],
    });
  });

  it("stores identical lines as often as they were written", async () => {
    const { events } = await readNative(combined, `${line}\n`.repeat(3));
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
  });

  it("believes forwarded addresses as far as its own proxies reach, and no further", async () => {
    const options = { trustedProxies: "10.0.0.0/8,2001:db8::/32" };
    const text = [
      `10.0.0.1 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" "6.6.6.6, 203.0.113.9, 10.0.0.7"`,
      `198.51.100.1 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" "6.6.6.6"`,
      `10.0.0.1 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" "-"`,
      `10.0.0.1 - - ${at} "GET / HTTP/1.1" 200 1 "-" "-" "10.0.0.9"`,
    ].join("\n");
    const { events } = await readNative(combined, text, { options });
    expect(events.map(({ source: { ip, ipTrust, via } }) => [ip, ipTrust, via])).toEqual([
      ["203.0.113.9", "forwarded", ["6.6.6.6"]],
      ["198.51.100.1", "peer", ["6.6.6.6"]],
      ["10.0.0.1", "peer", undefined],
      ["10.0.0.9", "forwarded", undefined],
    ]);
    expect(() => parseAdapterOptions(combined, { trustedProxies: ["10.0.0.0/40"] })).toThrow(/network/);
  });
});

describe("the nginx adapter", () => {
  it("reads any log_format", async () => {
    const format =
      '$remote_addr [$time_iso8601] $host "$request" ${status} $request_length/$bytes_sent rt=$request_time id=$request_id "$http_x_forwarded_for" "$http_authorization" "$ssl_client_s_dn" $ssl_client_verify';
    const text = String.raw`10.1.1.1 [2026-05-17T10:05:03+02:00] api.example "POST /v1/pay?api_key=k HTTP/2.0" 201 512/77 rt=0.004 id=ab12 "203.0.113.9" "Bearer abc" "CN=bob,O=x" SUCCESS`;
    const options = { format, realIp: "true", site: "ignored" };
    const { events } = await readNative(nginx, text, { options });
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.000000000Z" },
      actor: { type: "user", id: "CN=bob,O=x", ns: "x509" },
      action: { op: "CREATE" },
      resources: [{ id: "/v1/pay", scope: ["api.example"] }],
      source: { ip: "10.1.1.1", ipTrust: "forwarded", via: ["203.0.113.9"] },
      impact: { bytesIn: "512", bytesOut: "77" },
      trace: { requestId: "ab12" },
      native: { http_authorization: "***", request: "POST /v1/pay?api_key=*** HTTP/2.0", request_time: "0.004" },
    });
  });

  it("reads JSON with usual names, and with a format's own", async () => {
    const usual = JSON.stringify({
      time_local: "17/May/2026:10:05:03 +0200",
      remote_addr: "203.0.113.9",
      remote_user: "",
      request: "PUT /f?sig=x HTTP/1.1",
      status: 403,
      body_bytes_sent: "5",
      http_user_agent: "curl/8",
      http_cookie: "session=abc",
    });
    const first = await readNative(nginx, usual);
    expect(first.events[0]).toMatchObject({
      action: { op: "WRITE" },
      outcome: { status: "denied", code: "403" },
      native: { request: "PUT /f?sig=*** HTTP/1.1", status: 403, http_cookie: "***" },
    });
    const own = JSON.stringify({ t: "1779005103.123", who: "203.0.113.9", what: "GET /f HTTP/1.1", st: "200" });
    const format = '{"t":"$msec","who":"$remote_addr","what":"$request","st":"$status"}';
    const second = await readNative(nginx, own, { options: { format } });
    expect(second.events[0]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.123000000Z", precision: "ms" },
      source: { ip: "203.0.113.9" },
      outcome: { code: "200" },
    });
    const broken = await readNative(nginx, `${usual.slice(0, 40)}\n{"status":200}`);
    expect(broken.readings.map(({ kind }) => kind)).toEqual(["unreadable", "unreadable"]);
  });

  it("reads of the error log what names a request", async () => {
    const start = "2026/05/17 10:05:03";
    const end = 'client: 203.0.113.9, server: _, request: "GET /adm?token=a HTTP/1.1", host: "x.example:8080"';
    const { readings, events } = await readNative(
      nginx,
      [
        `${start} [error] 1#2: *3 user "bob": password mismatch, ${end}`,
        `${start} [error] 1#2: *3 access forbidden by rule, ${end}`,
        `${start} [warn] 1#2: *3 an upstream response is buffered, ${end}`,
        `${start} [notice] 1#2: signal process started`,
        `${start} [error] 1#2: *3 open() "/w/, client: 6.6.6.6, x" failed, ${end}`,
      ].join("\n"),
      { options: { timezone: "Europe/Berlin" } },
    );
    expect(events.map(({ actor, action, outcome }) => [actor.id, action.op, outcome.status])).toEqual([
      ["bob", "AUTH", "denied"],
      ["203.0.113.9", "READ", "denied"],
      ["203.0.113.9", "READ", "unknown"],
      ["6.6.6.6", "READ", "failure"],
    ]);
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.000000000Z", tz: "assumed" },
      resources: [{ id: "/adm", scope: ["x.example"] }],
      native: { request: "GET /adm?token=*** HTTP/1.1" },
    });
    expect(events[3]?.origin.warnings).toContain("ip:ambiguous");
    expect(readings[3]).toMatchObject({ kind: "skipped", why: "error log line without a client" });
  });

  it("refuses a format that cannot be read by", () => {
    const refused = ["$remote_addr", "$remote_addr$status [$time_local] $request", "[$time_local] $status", "plain"];
    for (const format of refused) expect(() => parseAdapterOptions(nginx, { format })).toThrow(/format/);
    expect(parseAdapterOptions(nginx, { format: "combined" })).toMatchObject({ format: "combined" });
  });

  it("gives up on a line made to fit a format in many ways, in a moment", async () => {
    const format = '$a $b $c $d $e $f $g [$time_local] "$request" $status';
    const startMs = performance.now();
    const { readings } = await readNative(nginx, "x ".repeat(200_000), { options: { format } });
    expect(readings[0]?.kind).toBe("unreadable");
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});

describe("the Apache adapter", () => {
  it("reads any LogFormat, as it stands in the configuration", async () => {
    const format = String.raw`%v:%p %{c}a %a %l %u %{usec}t \"%m %U%q %H\" %>s %I %O %D \"%{X-Forwarded-For}i\" \"%{Cookie}i\" %{UNIQUE_ID}e %%`;
    const text = `shop.example:443 10.0.0.1 203.0.113.9 - bob 1779005103123456 "GET /a?token=x HTTP/1.1" 200 10 20 55 "-" "sid=abc" uid1 %`;
    expect(() => parseAdapterOptions(apache, { format })).toThrow(/nothing between/);
    const { events } = await readNative(apache, text, { options: { format: format.replace("%U%q", "%U") } });
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.123456000Z", precision: "us" },
      actor: { id: "bob" },
      resources: [{ id: "/a", scope: ["shop.example"] }],
      source: { ip: "203.0.113.9", ipTrust: "forwarded" },
      impact: { bytesIn: "10", bytesOut: "20" },
      trace: { requestId: "uid1" },
      native: { http_cookie: "***", uri: "/a?token=***" },
    });
    const usual = await readNative(apache, `1.2.3.4 - - ${at} "GET / HTTP/1.1" 200 -`, {
      options: { format: '%h %l %u %t "%r" %>s %b' },
    });
    expect(usual.events[0]).toMatchObject({ time: { occurred: "2026-05-17T08:05:03.000000000Z" } });
    expect(() => parseAdapterOptions(apache, { format: "%h %{weird}t %r" })).toThrow(/directive/);
  });
});

describe("telling web logs apart", () => {
  it("gives each form to one adapter, and mixed ones line by line", async () => {
    const lines = [
      line,
      `shop.example:443 ${line}`,
      `[17/May/2026:10:05:03 +0200] 200 - GET https a.example "/login" [Client 1.2.3.4] [Length 3] [Gzip -] "x" "-"`,
      '2026/05/17 10:05:03 [error] 1#2: *3 access forbidden by rule, client: 1.2.3.4, server: _, request: "GET / HTTP/1.1"',
      JSON.stringify({
        ClientHost: "1.2.3.4",
        RequestMethod: "GET",
        RequestPath: "/",
        DownstreamStatus: 200,
        StartUTC: "2026-05-17T10:05:03.5Z",
      }),
      `Oct 11 22:14:15 web1 nginx: ${line}`,
      "Oct 11 22:14:15 web1 sshd[1]: Invalid user x from 1.2.3.4",
    ];
    const { events } = await readNative(adapters, lines.join("\n"));
    const names = ["combined", "apache", "nginx", "nginx", "traefik", "syslog", "auth-log"];
    expect(events.map(({ origin }) => origin.adapter)).toEqual(names);
  });

  it("fails on no line, whatever it holds", async () => {
    const sessions = [apache, combined, nginx].map((adapter) =>
      adapter.open(parseAdapterOptions(adapter, {}), { nowMs: () => 0 }),
    );
    assert(
      property(string({ unit: "binary", maxLength: 200 }), (text) => {
        for (const session of sessions) {
          for (const whole of [text, `1.2.3.4 - ${text} ${at} "${text}" 200 ${text}`]) {
            const record = { line: 1, text: whole, key: "k", lines: 1, json: () => ({ ok: true, value: text }) };
            session.take(record as never);
          }
        }
      }),
    );
    const { readings } = await readNative(combined, `1.2.3.4 - - ${at} "GET /${"a".repeat(70_000)} HTTP/1.1" 200 1`);
    expect(readings[0]).toMatchObject({ kind: "event" });
  });
});
