import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Entry, verifyReceipt } from "@evident/core";
import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NDJSON, readEntries, readLines, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let made = 0;
/** Text of an event that no test has sent yet. */
function fresh(change: Record<string, unknown> = {}): { readonly id: string; readonly text: string } {
  made += 1;
  const id = `post-${made}`;
  return { id, text: JSON.stringify({ ...makeEvent(id), ...change }) };
}

async function entryAt(index: number, trail = "main"): Promise<Entry> {
  const entry = await api.ledger.entry(trail, index);
  return JSON.parse(Buffer.from(entry ?? []).toString()) as Entry;
}

/** The raw bytes that a quarantine entry keeps. */
async function openQuarantined(index: number, trail = "main"): Promise<string> {
  const { blob } = await entryAt(index, trail);
  const id = Buffer.from(blob?.digest ?? "", "base64").toString("hex", 0, 16);
  const ciphertext = await api.ledger.blob(trail, id);
  expect(ciphertext?.length).toBe(blob?.sizeBytes);
  return Buffer.from(api.vault.openBlob(id, ciphertext ?? new Uint8Array()) ?? []).toString();
}

const plain = (text: string): Buffer => Buffer.from(text);
const encodings = [
  ["plain", undefined, plain],
  ["gzip", "gzip", (text: string) => gzipSync(text)],
  ["zstd", "zstd", (text: string) => zstdCompressSync(text)],
] as const;

describe("POST /v1/events", () => {
  it.each(encodings)("stores one event sent %s, and answers 201 with its place", async (_, encoding, pack) => {
    const { id, text } = fresh();
    const answer = await send(api, pack(text), { encoding });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const verdict = (await answer.json()) as { index: number };
    expect(verdict).toEqual({ line: 1, id, trail: "main", index: expect.any(Number), status: "stored" });
    expect(await entryAt(verdict.index)).toMatchObject({ v: 1, kind: "event", event: { id } });
  });

  it.each(encodings)("stores an array sent %s, element by element", async (_, encoding, pack) => {
    const events = [fresh(), fresh(), fresh()];
    const body = pack(`[${events.map(({ text }) => text).join(",")}]`);
    const answer = await send(api, body, { encoding });
    expect(answer.status).toBe(200);
    const { results } = (await answer.json()) as { results: { index: number }[] };
    expect(results).toEqual(
      events.map(({ id }, i) => ({ line: i + 1, id, trail: "main", index: expect.any(Number), status: "stored" })),
    );
    expect(new Set(results.map(({ index }) => index)).size).toBe(3);
  });

  it.each(encodings)("stores NDJSON sent %s, and answers a line for a line", async (_, encoding, pack) => {
    const events = Array.from({ length: 2_500 }, () => fresh());
    const body = pack(`${events.map(({ text }) => text).join("\n")}\n`);
    const answer = await send(api, body, { type: NDJSON, encoding });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    const lines = await readLines(answer);
    expect(lines.map(({ line, id, status }) => [line, id, status])).toEqual(
      events.map(({ id }, i) => [i + 1, id, "stored"]),
    );
    const indexes = lines.map(({ index }) => Number(index));
    expect(indexes).toEqual(indexes.map((_, i) => (indexes[0] ?? 0) + i));
  });

  it("answers an empty array with no results", async () => {
    expect(await (await send(api, "[]")).json()).toEqual({ results: [] });
    expect(await (await send(api, " [ ] ", { query: "?answer=summary" })).json()).toMatchObject({ read: 0 });
  });

  it("keeps the good lines among bad ones, with a verdict for each", async () => {
    const [first, second] = [fresh(), fresh()];
    const conflicting = JSON.stringify({ ...(JSON.parse(first.text) as object), labels: ["other"] });
    const body = [first.text, "{bad", "", second.text, '{"id":"no-event"}', first.text, conflicting].join("\n");
    const lines = await readLines(await send(api, body, { type: NDJSON }));
    expect(lines.map(({ line, id, status }) => [line, id, status])).toEqual([
      [1, first.id, "stored"],
      [2, undefined, "quarantined"],
      [4, second.id, "stored"],
      [5, "no-event", "quarantined"],
      [6, first.id, "duplicate"],
      [7, first.id, "quarantined"],
    ]);
    const [stored, malformed, , invalid, duplicate, conflict] = lines;
    expect(duplicate?.["index"]).toBe(stored?.["index"]);
    expect(malformed?.["reasons"]).toMatchObject([{ field: "", problem: expect.stringMatching(/^not JSON/) }]);
    expect(invalid?.["reasons"]).toContainEqual({ field: "time", problem: "is missing", fix: "Add time." });
    expect(await openQuarantined(Number(malformed?.["index"]))).toBe("{bad");
    expect(await openQuarantined(Number(conflict?.["index"]))).toBe(conflicting);
    expect(await entryAt(Number(conflict?.["index"]))).toMatchObject({
      kind: "quarantine",
      quarantine: { why: "conflict", id: first.id, line: 7, first: { trail: "main", index: stored?.["index"] } },
    });
  });

  it("keeps the order of a body, also where some of its lines wait for their blobs", async () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => (i % 500 === 7 ? "{bad" : fresh().text));
    const lines = await readLines(await send(api, texts.join("\n"), { type: NDJSON }));
    const indexes = lines.map(({ index }) => Number(index));
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    expect(lines.map(({ line }) => line)).toEqual(texts.map((_, i) => i + 1));
  });

  it("quarantines many conflicts of one body in one go", async () => {
    const events = Array.from({ length: 1_000 }, () => fresh());
    await (await send(api, events.map(({ text }) => text).join("\n"), { type: NDJSON })).text();
    const changed = events.map(({ text }) => text.replace("record.view", "record.edit"));
    const lines = await readLines(await send(api, changed.join("\n"), { type: NDJSON }));
    expect(lines.map(({ line, id, status }) => [line, id, status])).toEqual(
      events.map(({ id }, i) => [i + 1, id, "quarantined"]),
    );
    expect(await openQuarantined(Number(lines[999]?.["index"]))).toBe(changed[999]);
  });

  it("answers a quarantined object with 422 and the reasons", async () => {
    const { text } = fresh({ outcome: { status: "fine" } });
    const answer = await send(api, text);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      status: "quarantined",
      reasons: [{ field: "outcome.status", problem: '"fine" is not one of the allowed values' }],
    });
  });

  it("answers a duplicate with 200 and the first index, however the event is written", async () => {
    const { id, text } = fresh();
    const { index } = (await (await send(api, text)).json()) as { index: number };
    const again = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse()), null, 2);
    const answer = await send(api, again);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ line: 1, id, trail: "main", index, status: "duplicate" });
  });

  it("answers with the counts alone when asked to", async () => {
    const { text } = fresh();
    const body = [text, text, "nonsense", fresh().text].join("\n");
    const answer = await send(api, body, { type: NDJSON, query: "?answer=summary" });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      read: 4,
      accepted: 2,
      duplicates: 1,
      folded: 0,
      skipped: 0,
      quarantined: 1,
      trail: "main",
    });
  });

  it("adds receipts that verify with the trail's genesis keys, to stored, duplicate and quarantined lines", async () => {
    const [one, two] = [fresh(), fresh()];
    const body = [one.text, two.text, one.text, "{bad"].join("\n");
    const lines = await readLines(await send(api, body, { type: NDJSON, query: "?receipts=full" }));
    const keys = api.ledger.trail("main")?.genesis ?? [];
    expect(lines).toHaveLength(4);
    for (const { index, receipt } of lines) {
      const verdict = verifyReceipt({ proof: Buffer.from(String(receipt), "base64"), keys });
      expect(verdict).toMatchObject({ kind: "verified", index: BigInt(Number(index)) });
    }
    const object = (await (await send(api, one.text, { query: "?receipts=full" })).json()) as { receipt: string };
    expect(verifyReceipt({ proof: Buffer.from(object.receipt, "base64"), keys }).kind).toBe("verified");
  });
});

describe("what an API key says about events", () => {
  it("fills tenant, source and adapter from the key", async () => {
    const { key } = await api.makeKey({ role: "producer", name: "billing" });
    const { origin: _, ...event } = makeEvent("filled-1");
    const sent = JSON.stringify({ ...event, origin: { system: "billing-db" } });
    const { index } = (await (await send(api, sent, { key })).json()) as { index: number };
    expect(await entryAt(index)).toMatchObject({
      event: { origin: { tenant: "default", source: "billing", system: "billing-db", adapter: "http" } },
    });
  });

  it("fills neither ids nor times: they are the sender's to state", async () => {
    const { id: _, time: __, ...event } = makeEvent("nameless");
    const verdict = (await (await send(api, JSON.stringify(event))).json()) as { reasons: { field: string }[] };
    expect(verdict.reasons.map(({ field }) => field)).toEqual(["id", "time"]);
  });

  it.each([
    [{ source: "other", system: "s" }, "origin.source", '"other" is not a source of this key'],
    [{ source: "mine", tenant: "acme", system: "s" }, "origin.tenant", '"acme" is not the tenant of this key'],
  ])("quarantines what speaks for somebody else: %j", async (origin, field, problem) => {
    const { key } = await api.makeKey({ role: "producer", name: "p", sources: ["mine", "also-mine"] });
    const answer = await send(api, fresh({ origin }).text, { key });
    expect(answer.status).toBe(422);
    const verdict = (await answer.json()) as { index: number };
    expect(verdict).toMatchObject({ reasons: [{ field, problem }] });
    expect(await entryAt(verdict.index)).toMatchObject({ quarantine: { why: "source_mismatch", tenant: "default" } });
  });

  it("keeps events of the same id from two sources apart", async () => {
    const text = (source: string): string =>
      JSON.stringify({ ...makeEvent("shared-id"), origin: { source, system: "s" } });
    expect((await send(api, text("one"))).status).toBe(201);
    expect((await send(api, text("two"))).status).toBe(201);
    expect((await send(api, text("one"))).status).toBe(200);
  });

  it("stores in the trail that is asked for, the key's default, its only one, or main", async () => {
    await api.ledger.createTrail({ name: "second", tenant: "default", by: "test" });
    await api.ledger.createTrail({ name: "third", tenant: "default", by: "test" });
    const trailOf = async (key: string, query = ""): Promise<unknown> =>
      ((await (await send(api, fresh().text, { key, query })).json()) as { trail?: string; code?: string }).trail;
    const sources = ["*"];
    const { key: any } = await api.makeKey({ role: "producer", sources });
    const { key: only } = await api.makeKey({ role: "producer", sources, trails: ["second"] });
    const { key: preset } = await api.makeKey({
      role: "producer",
      sources,
      trails: ["main", "third"],
      defaultTrail: "third",
    });
    expect(await trailOf(any)).toBe("main");
    expect(await trailOf(any, "?trail=third")).toBe("third");
    expect(await trailOf(only)).toBe("second");
    expect(await trailOf(preset)).toBe("third");
    expect((await send(api, fresh().text, { key: only, query: "?trail=main" })).status).toBe(404);
    for (const trail of ["evident", "evident-reads"])
      expect((await send(api, fresh().text, { query: `?trail=${trail}` })).status).toBe(403);
    expect(await readEntries(api.ledger, "second")).toHaveLength(1);
  });

  it("finds a duplicate of the other trail of a tenant", async () => {
    const { text } = fresh();
    await api.ledger.createTrail({ name: "fourth", tenant: "default", by: "test" });
    const { index } = (await (await send(api, text)).json()) as { index: number };
    const again = await (await send(api, text, { query: "?trail=fourth" })).json();
    expect(again).toMatchObject({ trail: "main", index, status: "duplicate" });
  });
});
