import { gzipSync, zstdCompressSync } from "node:zlib";
import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JSON_TYPE, NDJSON, readEntries, readLines, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ flags: { "limits.lineBytes": "1000000", "limits.bodyBytes": "30000000" } });
});
afterAll(() => api.close());

let made = 0;
function good(change: Record<string, unknown> = {}): string {
  made += 1;
  return JSON.stringify({ ...makeEvent(`good-${made}`), ...change });
}

/** An event whose text has something that JSON.stringify would not write. */
function withText(change: Record<string, unknown>, from: string, to: string): string {
  return good(change).replace(from, to);
}

interface Reason {
  readonly field: string;
  readonly problem: string;
  readonly fix: string;
}

/** Sends one bad record between two good ones, in every shape that can hold it; the good ones must be stored. */
async function sendBetween(
  record: string | Uint8Array,
): Promise<{ readonly line: number; readonly reason: Reason; readonly why: string }> {
  const parts = (before: string, between: string, after: string): Uint8Array =>
    Buffer.concat([
      Buffer.from(`${before}${good()}${between}`),
      Buffer.from(record),
      Buffer.from(`${between}${good()}${after}`),
    ]);
  const [one, bad, two] = await readLines(await send(api, parts("", "\n", ""), { type: NDJSON }));
  expect([one?.["status"], bad?.["status"], two?.["status"]]).toEqual(["stored", "quarantined", "stored"]);
  const entries = await readEntries(api.ledger, "main");
  const entry = entries[Number(bad?.["index"])];
  const [reason] = (bad?.["reasons"] ?? []) as Reason[];
  expect(reason?.problem).not.toBe("");
  expect(reason?.fix).toMatch(/\.$/);
  return {
    line: Number(bad?.["line"]),
    reason: reason ?? { field: "", problem: "", fix: "" },
    why: entry?.kind === "quarantine" ? entry.quarantine.why : "",
  };
}

describe("a bad record costs its neighbours nothing, and is told what is wrong", () => {
  it.each([
    ["malformed JSON", "{nonsense}", "malformed_json", "", /^not JSON/, /one complete JSON object/],
    ["a cut object", '{"id":"x"', "malformed_json", "", /^not JSON/, /one complete JSON object/],
    ["no object", "[1,2]", "invalid_event", "", /is not an object/, /as a JSON object/],
    ["a null", "null", "invalid_event", "", /is not an object/, /as a JSON object/],
    [
      "a wrong type",
      () => good({ id: 17 }),
      "invalid_event",
      "id",
      /"17" is not of type string/,
      /ids and counts are strings/,
    ],
    [
      "a missing field",
      () => good({ outcome: {} }),
      "invalid_event",
      "outcome.status",
      /is missing/,
      /Add outcome.status/,
    ],
    [
      "an unknown field",
      () => good({ outcom: "x" }),
      "invalid_event",
      "outcom",
      /not a field/,
      /Did you mean outcome\?/,
    ],
    [
      "an unknown field inside",
      () => good({ actor: { type: "user", id: "u", ns: "n", mail: "a@b.c" } }),
      "invalid_event",
      "actor.mail",
      /not a field/,
      /Did you mean actor\.email\?/,
    ],
    ["a field of no use", () => good({ labels: [] }), "invalid_event", "labels", /empty list/, /Leave the field out/],
    [
      "a lone surrogate",
      () => withText({ actor: { type: "user", id: "u", ns: "n", name: "AB" } }, '"AB"', '"A\\ud800"'),
      "malformed_json",
      "actor.name",
      /half of a surrogate pair/,
      /well-formed Unicode/,
    ],
    [
      "a duplicate key",
      () => withText({}, '"outcome":{"status":"success"', '"outcome":{"status":"denied","status":"success"'),
      "malformed_json",
      "outcome.status",
      /stands twice/,
      /each key once/,
    ],
    [
      "a number beyond 2^53 where the schema has a number",
      () => withText({ source: { port: 7 } }, '"port":7', '"port":9007199254740993'),
      "invalid_event",
      "source.port",
      /9007199254740993/,
      /at most 15 digits/,
    ],
    [
      "deep nesting",
      () => good({ native: JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as unknown }),
      "malformed_json",
      "native",
      /deeper than 32/,
      /Flatten/,
    ],
    ["very deep nesting", "[".repeat(900_000), "malformed_json", "", /deeper than 32/, /Flatten/],
    [
      "a time without zone",
      () => good({ time: { occurred: "2026-03-01T08:30:00", precision: "s", basis: "event" } }),
      "invalid_event",
      "time.occurred",
      /has no time zone/,
      /Z for UTC, or an offset/,
    ],
    [
      "a time that does not exist",
      () => good({ time: { occurred: "2026-02-30T08:30:00Z", precision: "s", basis: "event" } }),
      "invalid_event",
      "time.occurred",
      /does not|not a date/,
      /RFC 3339/,
    ],
    [
      "a time in the future",
      () => good({ time: { occurred: new Date(Date.now() + 600_000).toISOString(), precision: "ms", basis: "event" } }),
      "time_in_future",
      "time.occurred",
      /more than five minutes ahead/,
      /clock/,
    ],
  ] as const)("%s", async (_, record, why, field, problem, fix) => {
    const found = await sendBetween(typeof record === "string" ? record : record());
    expect(found).toMatchObject({ line: 2, why, reason: { field } });
    expect(found.reason.problem).toMatch(problem);
    expect(found.reason.fix).toMatch(fix);
  });

  it("invalid UTF-8", async () => {
    const found = await sendBetween(
      Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]),
    );
    expect(found).toMatchObject({ line: 2, why: "invalid_utf8", reason: { fix: "Send UTF-8 text." } });
  });

  it("a surrogate in UTF-8", async () => {
    const found = await sendBetween(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]));
    expect(found).toMatchObject({ why: "invalid_utf8" });
  });

  it("a line of 10 MB, of which it keeps the beginning", async () => {
    const found = await sendBetween(`{"id":"long","native":"${"x".repeat(10_000_000)}"}`);
    expect(found.reason.problem).toMatch(/^the record has 100000\d\d bytes, more than limits.lineBytes/);
    const entry = (await readEntries(api.ledger, "main")).find(
      (each) => each.kind === "quarantine" && each.quarantine.why === "line_too_long",
    );
    expect(entry).toMatchObject({ quarantine: { kept: 65_536 } });
  });

  it("keeps numbers beyond 2^53 as they were sent where any number may stand", async () => {
    const text = withText({ detail: { big: 1 } }, '"big":1', '"big":12345678901234567890.10');
    const { index } = (await (await send(api, text)).json()) as { index: number };
    const entry = await api.ledger.entry("main", index);
    expect(Buffer.from(entry ?? []).toString()).toContain('"detail":{"big":12345678901234567890.10}');
  });

  it("stores a large valid event whole, with what does not fit in a blob", async () => {
    const verdict = await (await send(api, good({ native: { text: "n".repeat(900_000) } }))).json();
    expect(verdict).toMatchObject({ status: "stored" });
  });
});

describe("a bad body is answered with a problem document", () => {
  async function problemOf(answer: Response): Promise<Record<string, unknown>> {
    expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: answer.status, type: `/errors#${String(problem["code"])}` });
    return problem;
  }

  it.each([
    ["an empty body", "", NDJSON, undefined, 400, "bad_request", /empty/],
    ["an empty JSON body", "", JSON_TYPE, undefined, 400, "bad_request", /empty/],
    ["only white space", " \n \t\r\n", NDJSON, undefined, 400, "bad_request", /empty/],
    ["only white space as JSON", " \n ", JSON_TYPE, undefined, 400, "bad_request", /empty/],
    ["a byte order mark alone", "\ufeff", NDJSON, undefined, 400, "bad_request", /empty/],
    ["no such content type", "{}", "text/csv", undefined, 415, "unsupported_media", /text\/csv/],
    ["another character set", "{}", "application/json; charset=utf-16", undefined, 415, "unsupported_media", /utf-16/],
    ["no such encoding", "{}", JSON_TYPE, "br", 415, "unsupported_media", /br/],
    ["no gzip", "{}", JSON_TYPE, "gzip", 400, "bad_request", /gzip body is damaged/],
    ["no zstd", "{}", NDJSON, "zstd", 400, "bad_request", /zstd body is damaged/],
    ["an array that does not end at once", "[", JSON_TYPE, undefined, 400, "bad_request", /does not end/],
  ] as const)("%s", async (_, body, type, encoding, status, code, detail) => {
    const answer = await send(api, body, { type, encoding });
    expect(answer.status).toBe(status);
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ code, detail: expect.stringMatching(detail) });
    expect(String(problem["fix"])).toMatch(/\.$/);
  });

  it("without a content type", async () => {
    const answer = await api.fetch("/v1/events", { method: "POST", body: new Uint8Array(Buffer.from(good())) });
    expect(await problemOf(answer)).toMatchObject({ code: "unsupported_media" });
  });

  it("names the unknown parameter and the one that was meant", async () => {
    const answer = await send(api, good(), { query: "?anwser=summary" });
    expect(await problemOf(answer)).toMatchObject({
      status: 400,
      errors: [{ field: "anwser", problem: "is not known in the query", fix: "Did you mean answer?" }],
    });
  });
});

describe("a body that breaks off keeps the lines before that", () => {
  const many = (count: number): string[] =>
    Array.from({ length: count }, () => good({ trace: { requestId: Math.random().toString(36).repeat(3) } }));

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)("truncated %s", async (encoding, compress) => {
    const texts = many(400);
    const whole = Buffer.concat([
      compress(texts.slice(0, 200).join("\n")),
      compress(`\n${texts.slice(200).join("\n")}`),
    ]);
    const answer = await send(api, whole.subarray(0, whole.length - 20), { type: NDJSON, encoding });
    expect(answer.status).toBe(200);
    const lines = await readLines(answer);
    expect(lines.at(-1)).toMatchObject({ error: { code: "bad_request", detail: expect.stringContaining("cut off") } });
    expect(lines.length).toBeGreaterThan(190);
    expect(lines.slice(0, -1).every(({ status }) => status === "stored")).toBe(true);
    const again = await readLines(await send(api, compress(texts.join("\n")), { type: NDJSON, encoding }));
    const duplicates = again.filter(({ status }) => status === "duplicate");
    expect(duplicates).toHaveLength(lines.length - 1);
    expect(again).toHaveLength(400);
  });

  it("a broken array", async () => {
    const answer = await send(api, `[${good()},${good()},]`);
    const { results, error } = (await answer.json()) as { results: { status: string }[]; error: { detail: string } };
    expect(results.map(({ status }) => status)).toEqual(["stored", "stored"]);
    expect(error).toMatchObject({ code: "bad_request", detail: expect.stringMatching(/broken at byte \d+/) });
  });

  it("with counts, as a problem document that has them", async () => {
    const answer = await send(api, `[${good()},${good()}`, { query: "?answer=summary" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "bad_request", summary: { read: 1, accepted: 1 } });
  });

  it("an object that is cut off is not stored", async () => {
    const before = api.ledger.trail("main")?.size;
    const cut = gzipSync(good()).subarray(0, 100);
    expect((await send(api, cut, { encoding: "gzip" })).status).toBe(400);
    expect(api.ledger.trail("main")?.size).toBe(before);
  });

  it("a gzip bomb, in bounded memory", async () => {
    const texts = many(3);
    const bomb = gzipSync(Buffer.concat([Buffer.from(`${texts.join("\n")}\n`), Buffer.alloc(400_000_000, 0x20)]));
    const before = process.memoryUsage().rss;
    const answer = await send(api, bomb, { type: NDJSON, encoding: "gzip" });
    const lines = await readLines(answer);
    expect(lines.map(({ status }) => status)).toEqual(["stored", "stored", "stored", undefined]);
    expect(lines.at(-1)).toMatchObject({
      error: { code: "too_large", detail: "the body has more than 30000000 bytes after decompression" },
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });

  it("a body over the limit of the configuration", async () => {
    const texts = many(10);
    const body = `${texts.join("\n")}\n${`${JSON.stringify("x".repeat(900_000))}\n`.repeat(40)}`;
    const answer = await send(api, body, { type: NDJSON, query: "?answer=summary" });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: "too_large", summary: { accepted: 10, quarantined: 33 } });
  });
});
