import { array, assert, asyncProperty, constantFrom, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { AdaptStream, firstKey, parseAdapterOptions } from "../../adapt/index.ts";
import { kinds, line, options, read } from "./make-log.ts";
import { postgresql } from "./postgresql.ts";

describe("csvlog and jsonlog", () => {
  const start = '2026-11-25 09:30:00.123 UTC,"bob","shop",7,"2001:db8::1:5432",67a1.2a';
  const rest = 'LOG,00000,"statement: select \'a\n""b"",\'\nfrom s.t",,,,,,,,,"psql"';
  const row = `${start},5,"idle",2026-11-25 09:29:00 UTC,3/1,0,${rest}`;

  it.each([
    ["12", row],
    ["13", `${row},"client backend"`],
    ["14 and later", `${row},"client backend",,-42`],
  ])("of PostgreSQL %s, with quoted lines", async (_version, text) => {
    const { events } = await read([text, text.replace(",5,", ",6,")]);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      id: "67a1.2a/5",
      actor: { id: "bob", session: { id: "67a1.2a", created: "2026-11-25T09:29:00.000000000Z" } },
      resources: [{ id: "s.t" }],
      source: { ip: "2001:db8::1", port: 5432 },
      detail: { statement: "select ? from s.t" },
    });
  });

  it("that broke off cost one record", async () => {
    const { readings } = await read([row.slice(0, 150), `${start},6,"idle",,3/1,0,LOG,00000,x`, row]);
    expect(kinds(readings)).toBe("1 unreadable, 4 unreadable, 5 event");
  });

  it("as JSON read the same; members of the wrong type say nothing", async () => {
    const value = {
      timestamp: "2026-11-25 09:30:00.123 UTC",
      user: "bob",
      dbname: "shop",
      pid: 7,
      remote_host: "[local]",
      session_id: "67a1.2a",
      line_num: 5,
      error_severity: "ERROR",
      state_code: "42501",
      message: "permission denied for table t",
      statement: "select 'x' from s.t",
      application_name: { a: 1 },
    };
    const { events, readings } = await read([JSON.stringify(value), '{"timestamp":"x","error_severity":"LOG"', "{}"]);
    expect(kinds(readings)).toBe("1 event, 2 unreadable, 3 unreadable");
    expect(events[0]).toMatchObject({
      outcome: { status: "denied", code: "42501" },
      source: { host: "[local]" },
      native: { statement: "select ? from s.t", state_code: "42501" },
    });
  });
});

describe("bad input", () => {
  it("is refused line by line, with the reason", async () => {
    const { readings } = await read([
      "archive_command printed this",
      line("LOG", "statement: select 1").replace("UTC", "CST"),
      line("FEHLER", "Relation existiert nicht"),
      line("STATEMENT", "select"),
      "\u0000\u0001",
    ]);
    const reasons = readings.map((reading) =>
      reading.kind === "unreadable" ? reading.reasons[0]?.problem : reading.kind,
    );
    const noPrefix = expect.stringContaining("does not begin with the prefix") as unknown;
    expect(reasons).toEqual([
      noPrefix,
      "is in the zone CST, which may be any of several",
      noPrefix,
      "skipped",
      noPrefix,
    ]);
  });

  it("never stops the reader, and every line comes out", async () => {
    const piece = constantFrom(
      line("LOG", "statement: "),
      "\t",
      line("ERROR", "no"),
      line("STATEMENT", "x"),
      'AUDIT: SESSION,1,1,"',
      row(),
      '"',
      "{",
      "",
    );
    await assert(
      asyncProperty(array(tuple(piece, string()), { maxLength: 30 }), async (pieces) => {
        const text = pieces
          .map(([head, tail]) => `${head}${tail.replaceAll(/[\r\n]/g, "")}`)
          .filter((each) => each.trim() !== "");
        const { readings } = await read(text);
        const covered = new Set(
          readings.flatMap(({ line: at, lines }) => Array.from({ length: lines }, (_, index) => at + index)),
        );
        expect(covered.size).toBe(text.length);
      }),
      { numRuns: 200 },
    );
  });

  function row(): string {
    return '2026-11-25 09:30:00.123 UTC,"bob","shop",7,"[local]",67a1.2a,5,"idle",,3/1,0,LOG,00000,"';
  }
});

describe("a follower", () => {
  const open = (key: string): AdaptStream =>
    new AdaptStream({
      adapters: [postgresql],
      optionsOf: (adapter) => parseAdapterOptions(adapter, options),
      context: { nowMs: () => 0 },
      key,
    });

  it("that stops anywhere and goes on from its resume point gives the same events", () => {
    const lines = [
      line("LOG", "connection received: host=203.0.113.9 port=1"),
      line("LOG", "connection authorized: user=bob database=shop"),
      line("LOG", "statement: select 1", { pid: 8 }),
      line("LOG", "statement: insert into s.t\n\tvalues (1)"),
      line("ERROR", "null value"),
      line("STATEMENT", "insert into s.t\n\tvalues (1)"),
      line("LOG", "duration: 1.000 ms", { pid: 8 }),
      line("LOG", "disconnection: session time: 0:00:01.000 user=bob database=shop"),
    ].flatMap((each) => each.split("\n"));
    const toLines = (from: number, to: number): readonly { kind: "text"; line: number; text: string }[] =>
      lines.slice(from, to).map((text, index) => ({ kind: "text", line: from + index + 1, text }));
    const ids = (stream: AdaptStream, from: number, to: number): readonly string[] =>
      stream.take(toLines(from, to)).flatMap((each) => (each.kind === "event" ? [each.json] : []));
    const whole = open(firstKey(""));
    const expected = [
      ...ids(whole, 0, lines.length),
      ...whole.end().flatMap((each) => (each.kind === "event" ? [each.json] : [])),
    ];
    expect(expected).toHaveLength(4);
    for (let stop = 0; stop <= lines.length; stop += 1) {
      const first = open(firstKey(""));
      const before = ids(first, 0, stop);
      const { line: from, key } = first.resumePoint();
      const second = open(key);
      const after = [
        ...ids(second, from - 1, lines.length),
        ...second.end().flatMap((each) => (each.kind === "event" ? [each.json] : [])),
      ];
      const outcomes = (list: readonly string[]): readonly string[] =>
        [...new Set(list)].map((json) => (JSON.parse(json) as { id: string }).id).sort();
      expect([...new Set(outcomes([...before, ...after]))]).toEqual(outcomes(expected));
    }
  });

  it("holds a bounded number of records, and none for longer than joinSeconds of the log", () => {
    const stream = open(firstKey(""));
    const text = Array.from(
      { length: 30_000 },
      (_, index) => `2026-11-25 09:30:00.000 UTC [${index}] 3/1 bob@shop/a/[local] LOG:  statement: select 1`,
    );
    stream.take(text.map((each, index) => ({ kind: "text", line: index + 1, text: each })));
    expect(stream.resumePoint().line).toBeGreaterThan(9_000);
    const later = "2026-11-25 09:32:00.000 UTC [99999] 3/1 bob@shop/a/[local] LOG:  statement: select 2";
    stream.take([later, later, later].map((each, index) => ({ kind: "text", line: 30_001 + index, text: each })));
    expect(stream.resumePoint().line).toBeGreaterThanOrEqual(30_000);
  });
});
