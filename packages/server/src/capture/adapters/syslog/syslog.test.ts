import { assert, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareCrowdsec,
  crowdsecExpectations,
  hasSharedData,
  labelsAt,
  measurePrecision,
  readNative,
  readShared,
} from "../../testing/index.ts";
import { adapters } from "../index.ts";
import { parseSyslogLine } from "../syslog-line/index.ts";
import { syslog } from "./syslog.ts";

const web = '203.0.113.9 - alice [17/May/2026:10:05:03 +0200] "GET /x?token=abc HTTP/1.1" 403 12 "-" "curl/8"';

describe("the syslog adapter", () => {
  it("takes the head of RFC 5424 apart, structured data included", () => {
    const line =
      String.raw`<165>1 2026-10-11T22:14:15.003Z fw.example.com evntslog 77 ID47 [a@1 x="1" y="q\"\]\\"][b@1] ` +
      "\uFEFFhello";
    expect(parseSyslogLine(line)).toEqual({
      facility: 20,
      severity: 5,
      timestamp: "2026-10-11T22:14:15.003Z",
      host: "fw.example.com",
      app: "evntslog",
      procid: "77",
      msgid: "ID47",
      sd: { "a@1": { x: "1", y: String.raw`q"]\ `.trim() }, "b@1": {} },
      message: "hello",
      version: "5424",
    });
    expect(parseSyslogLine("<34>1 - - - - - -")).toEqual({ facility: 4, severity: 2, message: "", version: "5424" });
    expect(parseSyslogLine("<999>1 - - - - - - x")).toBeUndefined();
    expect(parseSyslogLine('<13>1 - h a - - [broken x="1" rest')?.message).toBe('[broken x="1" rest');
  });

  it.each([
    ["<34>Oct 11 22:14:15 mymachine su: hi", { host: "mymachine", app: "su", message: "hi", facility: 4 }],
    ["Oct  1 22:14:15 h a/b[12]: hi", { host: "h", app: "a/b", procid: "12", message: "hi" }],
    ["<13>Oct 11 22:14:15 2026 h app: hi", { timestamp: "Oct 11 22:14:15 2026", host: "h", app: "app" }],
    ["2026-11-14T00:20:42.738197+01:00 h sshd[1]: hi", { host: "h", app: "sshd", message: "hi" }],
    ["<189>29: *Mar  1 18:46:11.123: %SYS-5-CONFIG_I: by bob", { app: "%SYS-5-CONFIG_I", message: "by bob" }],
    ["<13>no date at all", { message: "no date at all" }],
  ])("takes the head of %s apart", (line, parts) => {
    expect(parseSyslogLine(line)).toMatchObject(parts);
  });

  it("reads logins and web accesses that it carries by their own readers, with the machine as system", async () => {
    const { events } = await readNative(
      syslog,
      [
        `<38>Oct 11 22:14:15 web1 sshd[7]: Failed password for root from 203.0.113.9 port 4 ssh2`,
        `<190>Oct 11 22:14:15 web1 nginx: ${web}`,
        `<190>1 2026-10-11T22:14:15Z web2 nginx 5 - - ${web}`,
        `<134>Oct 11 22:14:15 lb haproxy[3]: 203.0.113.9:5 [04/Apr/2026:14:30:18.885] https~ back/s1 0/0/0/1/1 200 15 - SESS=1 ---- 1/1/0/0/0 0/0 {host|x} "PUT /y HTTP/1.1"`,
      ].join("\n"),
      { options: { timezone: "UTC" } },
    );
    expect(
      events.map(({ actor, action, outcome, origin }) => [actor.id, action.op, outcome.status, origin.system]),
    ).toEqual([
      ["root", "AUTH", "denied", "web1"],
      ["alice", "READ", "denied", "web1"],
      ["alice", "READ", "denied", "web2"],
      ["203.0.113.9", "WRITE", "success", "lb"],
    ]);
    expect(events[2]).toMatchObject({
      time: { occurred: "2026-05-17T08:05:03.000000000Z" },
      native: { request: "GET /x?token=*** HTTP/1.1", syslog: { host: "web2", app: "nginx", procid: "5" } },
    });
    expect(events[3]).toMatchObject({ native: { captured_response_cookie: "***" }, time: { precision: "ms" } });
  });

  it("keeps what names a person or an address, says what it assumed, and skips the rest", async () => {
    const lines = [
      '<134>1 2026-10-11T22:14:15Z fw1 filterlog - - - action=deny src=203.0.113.9 dst=10.0.0.1 user="bob"',
      "<189>Oct 11 22:14:15 sw1 %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: admin] [Source: 203.0.113.7]",
      '<13>1 2026-10-11T22:14:15Z app1 billing - LOGOUT [u@1 username="eve" password="hunter2"] logged out',
      "<13>Oct 11 22:14:15 h kernel: eth0 link up",
      "<86>Oct 11 22:14:15 h vault: token renewed",
    ];
    const input = await readNative(syslog, lines.join("\n"));
    expect(labelsAt(input, [1, 2, 3, 4, 5])).toEqual([
      [1, "user bob", "OTHER", "filterlog", "os.service filterlog", "fw1", "denied", "203.0.113.9"],
      [
        2,
        "user admin",
        "AUTH",
        "%SEC_LOGIN-5-LOGIN_SUCCESS",
        "os.service %SEC_LOGIN-5-LOGIN_SUCCESS",
        "sw1",
        "success",
        "203.0.113.7",
      ],
      [3, "user eve", "LOGOUT", "LOGOUT", "os.service billing", "app1", "success", "-"],
      [4, "skipped", "message that names no person and no address"],
      [5, "unknown unknown", "OTHER", "vault", "os.service vault", "h", "unknown", "-"],
    ]);
    expect(input.events[0]?.origin.warnings).toEqual(["op:default", "resource:default", "outcome:text", "actor:text"]);
    expect(input.events[2]?.native).toMatchObject({ sd: { "u@1": { username: "eve", password: "***" } } });
    const all = await readNative(syslog, lines.join("\n"), { options: { other: "all" } });
    const none = await readNative(syslog, lines.join("\n"), { options: { other: "none" } });
    expect([all.events.length, none.events.length]).toEqual([5, 0]);
  });

  it("takes the time of receipt where a line has none, and quarantines what has no head", async () => {
    const { readings, events } = await readNative(
      syslog,
      "<38>1 - h app - - - user=bob\nhalf a li\n<13>1 2026-13-01T00:00:00Z h a - - - user=bob",
    );
    expect(events[0]).toMatchObject({
      time: { occurred: "2026-11-25T12:00:00.000000000Z", basis: "received" },
      origin: { warnings: expect.arrayContaining(["time:received"]) as unknown },
    });
    expect(readings.slice(1)).toMatchObject([
      { kind: "unreadable", reasons: [{ problem: "is no line of syslog" }] },
      { kind: "unreadable", reasons: [{ field: "timestamp" }] },
    ]);
  });

  it("fails on no line, whatever it holds", async () => {
    const { readings } = await readNative(
      syslog,
      [
        '<13>1 2026-10-11T22:14:15Z h a - - [__proto__ __proto__="x"] user=__proto__',
        `<13>Oct 11 22:14:15 h a: ${"user= ".repeat(20_000)}`,
      ].join("\n"),
    );
    expect(readings.map(({ kind }) => kind)).toEqual(["event", "event"]);
    assert(
      property(string({ unit: "binary", maxLength: 300 }), (text) => {
        for (const start of ["<13>", "<13>1 ", "<13>1 2026-10-11T22:14:15Z h a - - ", "Oct 11 22:14:15 "]) {
          parseSyslogLine(start + text);
        }
      }),
    );
  });

  it.skipIf(!hasSharedData)("reads real lines as labelled by hand and as expected (needs ../shared/data)", async () => {
    const labels: Readonly<Record<string, readonly (readonly [number, ...string[]])[]>> = {
      "http-wordpress_wpconfig/http-wordpress_wpconfig.log": [
        [
          1,
          "anonymous 167.71.13.196",
          "READ",
          "GET",
          "http.path /wp-config.php",
          "ip-172-31-43-28.us-east-2.compute.internal",
          "success",
          "167.71.13.196",
        ],
        [
          2,
          "anonymous 167.71.13.196",
          "READ",
          "GET",
          "http.path /.wp-config.php.swp",
          "ip-172-31-43-28.us-east-2.compute.internal",
          "failure",
          "167.71.13.196",
        ],
      ],
      "pfsense-rfc5424-nginx/pfsense-rfc5424-nginx.log": [
        [
          1,
          "anonymous fdfd:ace:ace:7::17a",
          "READ",
          "GET",
          "http.path /crowdsec-test-NtktlJHV4TfBSK3wvlhiOBnl",
          "firewall.lan",
          "failure",
          "fdfd:ace:ace:7::17a",
        ],
      ],
      "haproxy-nextcloud-whitelist/haproxy-logs.log": [
        [
          1,
          "anonymous 192.168.1.1",
          "LIST",
          "PROPFIND",
          "http.path /remote.php/webdav/User/Name/Backup/Free%20Studio/domain.com/05-07-2023/Wordpress/analytics-matomo/plugins/Events/lang/hu.json",
          "hap-1",
          "failure",
          "192.168.1.1",
        ],
      ],
    };
    const counts = { "http-wordpress_wpconfig/http-wordpress_wpconfig.log": 14 } as Readonly<Record<string, number>>;
    for (const [name, expected] of Object.entries(labels)) {
      const raw = readShared(`crowdsec/${name}`);
      const input = await readNative(adapters, raw);
      expect(input.events.length).toBe(counts[name] ?? 1);
      expect(
        labelsAt(
          input,
          expected.map(([line]) => line),
        ),
      ).toEqual(expected);
      expect(Object.values(measurePrecision(input.events))).toEqual([100, 100, 100, 100, 100, 100]);
      if (name.startsWith("http-")) continue;
      const expectations = crowdsecExpectations(`crowdsec/${name.split("/")[0]}/parser.assert`);
      const { agree, differ } = compareCrowdsec(input, raw.toString("utf8"), expectations);
      expect([agree > 2, differ]).toEqual([true, []]);
    }
  });
});
