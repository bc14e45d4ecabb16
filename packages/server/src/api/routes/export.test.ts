import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type Entry, formatExportedEntry, fromUtf8, parseExportLine, verifyReceipt } from "@evident/core";
import { checkOcsf, makeEvent } from "@evident/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ledger } from "../../ledger/index.ts";
import { NDJSON, openRawClient, readEntries, send, startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ times: { export: { stallMs: 300, indexWaitMs: 1_000 } } });
});
afterEach(() => api.close());

async function post(ids: readonly string[], change: object = {}): Promise<void> {
  const body = ids.map((id) => JSON.stringify({ ...makeEvent(id), ...change })).join("\n");
  await (await send(api, body, { type: NDJSON })).text();
}

interface Exported {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly trailers: IncomingMessage["trailers"];
  readonly complete: boolean;
  readonly text: string;
}

/** Reads an export to its end, whole or not. */
async function exportOf(query: string, key = api.adminKey): Promise<Exported> {
  const request = get(`${api.api.url}/v1/export${query}`, {
    headers: { authorization: `Bearer ${key}` },
    agent: false,
  });
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  const take = async (): Promise<void> => {
    for await (const part of answer) parts.push(part as Buffer);
  };
  await take().catch(() => undefined);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    trailers: answer.trailers,
    complete: answer.complete,
    text: Buffer.concat(parts).toString(),
  };
}

const linesOf = ({ text }: Exported): readonly string[] => text.split("\n").filter((line) => line !== "");

async function storedLines(ledger: Ledger, trail: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { entries } of ledger.entries(trail, 0, ledger.trail(trail)?.size ?? 0))
    lines.push(...entries.map((entry) => fromUtf8(entry)));
  return lines;
}

/** What `evident-reads` holds of exports. */
async function recorded(): Promise<readonly Extract<Entry, { kind: "event" }>["event"][]> {
  const reads = await readEntries(api.ledger, "evident-reads");
  return reads.flatMap((entry) =>
    entry.kind === "event" && entry.event.action.name.startsWith("export.") ? [entry.event] : [],
  );
}

const ids = Array.from({ length: 300 }, (_, i) => `e${i}`);

describe("GET /v1/export", () => {
  it("gives the stored lines, byte for byte, and says at the end that it is whole", async () => {
    await post(ids, { detail: { amount: "PLACE" } });
    await (
      await send(api, JSON.stringify({ ...makeEvent("exact"), detail: { n: 1 } }).replace('"n":1', '"n":1.10'))
    ).text();
    const answer = await exportOf("");
    expect(answer).toMatchObject({ status: 200, complete: true, trailers: { "evident-export-entries": "301" } });
    const stored = await storedLines(api.ledger, "main");
    const wanted = stored.map((line, index) => formatExportedEntry({ trail: "main", index, line }));
    expect(linesOf(answer)).toEqual([...wanted, '{"end":{"complete":true,"entries":301}}']);
    expect(answer.text).toContain('"n":1.10');
  });

  it("finds what a search finds", async () => {
    await post(["a", "b"]);
    await post(["c"], { outcome: { status: "denied" } });
    expect(linesOf(await exportOf("?q=status:denied"))).toHaveLength(2);
    expect(linesOf(await exportOf("?from=2030-01-01"))).toEqual(['{"end":{"complete":true,"entries":0}}']);
  });

  it("is recorded before it is answered, and with its end", async () => {
    await post(ids);
    await exportOf("?q=op:READ&format=csv");
    const [opened, closed] = await recorded();
    expect(opened).toMatchObject({
      action: { op: "EXPORT", name: "export.open" },
      resources: [{ type: "trail", id: "main" }],
      detail: { q: "op:READ", format: "csv", snapshot: expect.stringMatching(/Z,main:300$/) },
    });
    expect(closed).toMatchObject({
      action: { name: "export.close" },
      detail: { end: "complete", complete: true, last: "main:299" },
      impact: { rows: "300", bytesOut: expect.stringMatching(/^\d{5,}$/) },
    });
  });

  it("goes on behind the last entry of one that broke off, with the same entries whatever is stored since", async () => {
    await post(ids);
    const whole = await exportOf("");
    const snapshot = String(whole.headers["evident-export-snapshot"]);
    await post(["later"]);
    const query = `?snapshot=${encodeURIComponent(snapshot)}`;
    expect((await exportOf(query)).text).toBe(whole.text);
    const rest = await exportOf(`${query}&after=main:99`);
    expect(linesOf(rest)).toEqual([...linesOf(whole).slice(100, 300), '{"end":{"complete":true,"entries":200}}']);
  });

  it("writes CSV with the columns that are named", async () => {
    await post(["=cmd"]);
    const { text, headers } = await exportOf("?format=csv&columns=index,id,%20resource");
    expect(text).toBe("index,id,resources.id\r\n0,'=cmd,record-=cmd\r\n");
    expect(headers["content-type"]).toBe("text/csv; charset=utf-8; header=present");
  });

  it("writes OCSF whose receipts verify", async () => {
    await post(ids);
    await (await send(api, "{bad")).text();
    const answer = await exportOf("?format=ocsf");
    const events = linesOf(answer).map((line) => JSON.parse(line) as { unmapped: { evident: { receipt: string } } });
    expect(events).toHaveLength(301);
    const keys = api.ledger.trail("main")?.genesis ?? [];
    const stored = await storedLines(api.ledger, "main");
    for (const [index, event] of events.entries()) {
      expect(checkOcsf(event)).toEqual([]);
      if (index % 50 !== 0) continue;
      const verdict = verifyReceipt({ proof: Buffer.from(event.unmapped.evident.receipt, "base64"), keys });
      expect(verdict).toMatchObject({ kind: "verified", index: BigInt(index) });
      expect(verdict.kind === "verified" && fromUtf8(verdict.entry)).toBe(stored[index]);
    }
    expect((await exportOf("?format=ocsf&receipts=false")).text).not.toContain('"receipt"');
  });

  it("writes receipts into NDJSON where they are asked for", async () => {
    await post(["a"]);
    const [line = ""] = linesOf(await exportOf("?receipts=true"));
    const parsed = parseExportLine(line);
    const keys = api.ledger.trail("main")?.genesis ?? [];
    const receipt = parsed.kind === "entry" ? (parsed.entry.receipt ?? "") : "";
    expect(verifyReceipt({ proof: Buffer.from(receipt, "base64"), keys })).toMatchObject({ kind: "verified" });
  });

  it("names what cannot be asked", async () => {
    await post(["a"]);
    for (const [query, text] of [
      ["?q=actor.idd:x", "actor.id"],
      ["?format=xml", "ndjson, csv, ocsf"],
      ["?format=csv&columns=actor.idd", "Did you mean actor.id?"],
      ["?columns=id", "not of ndjson"],
      ["?format=csv&receipts=true", "no place in csv"],
      ["?after=main:0", "without snapshot"],
      ["?snapshot=now", "none that an export has given"],
      ["?snapshot=2026-03-01T00:00:00Z,main:5", "more entries of main"],
      ["?snapshot=2026-03-01T00:00:00Z,main:1&trail=main", "Leave it out"],
      ["?snapshot=2026-03-01T00:00:00Z,main:1&after=main:1", "no entry of the snapshot"],
      ["?snapshot=2026-03-01T00:00:00Z,main:1&after=x", "<trail>:<index>"],
    ] as const) {
      const answer = await exportOf(query);
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
      expect(answer.text).toContain(text);
    }
    expect((await exportOf("?snapshot=2026-03-01T00:00:00Z,other:0")).status).toBe(404);
    expect(await recorded()).toEqual([]);
  });

  it("refuses HTTP/1.0, where what broke off would look whole", async () => {
    const client = openRawClient(api.api.url);
    client.write(`GET /v1/export HTTP/1.0\r\nauthorization: Bearer ${api.adminKey}\r\n\r\n`);
    expect(await client.until(/HTTP\/1\.1\b.*\bneeds HTTP\/1\.1/s)).toContain(" 400 ");
    client.socket.destroy();
  });

  it("shows a key the trails of its tenant alone", async () => {
    await post(["a"]);
    await api.ledger.createTrail({ name: "theirs", tenant: "other", by: "test" });
    const { key } = await api.makeKey({ role: "reader", tenant: "other", name: "them" });
    expect(linesOf(await exportOf("", key))).toEqual(['{"end":{"complete":true,"entries":0}}']);
    expect((await exportOf("?trail=main", key)).status).toBe(404);
  });
});

describe("an export that cannot go on", () => {
  const big = { detail: { text: "x".repeat(60_000) } };
  const many = Array.from({ length: 120 }, (_, i) => `big${i}`);

  async function whenClosed(): Promise<unknown> {
    for (;;) {
      const closed = (await recorded()).find(({ action }) => action.name === "export.close");
      if (closed !== undefined) return closed;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it("drops a reader that stops reading, and says how far it came", async () => {
    for (let i = 0; i < 20; i += 1)
      await post(
        many.slice(i * 6, i * 6 + 6).map((id) => `${id}-${i}`),
        big,
      );
    const client = openRawClient(api.api.url);
    client.socket.pause();
    client.write(`GET /v1/export HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.adminKey}\r\n\r\n`);
    expect(await whenClosed()).toMatchObject({ detail: { end: "stalled", complete: false } });
    client.socket.destroy();
  });

  it("is not begun beside three others", async () => {
    for (let i = 0; i < 20; i += 1)
      await post(
        many.slice(i * 6, i * 6 + 6).map((id) => `${id}-${i}`),
        big,
      );
    const clients = [0, 1, 2].map(() => openRawClient(api.api.url));
    for (const client of clients) {
      client.socket.pause();
      client.write(`GET /v1/export HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.adminKey}\r\n\r\n`);
    }
    const opened = async (): Promise<number> =>
      (await recorded()).filter(({ action }) => action.name === "export.open").length;
    while ((await opened()) < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await exportOf("")).status).toBe(429);
    for (const { socket } of clients) socket.destroy();
  });

  it("breaks off when its key is revoked, without what would make it look whole", async () => {
    for (let i = 0; i < 20; i += 1)
      await post(
        many.slice(i * 6, i * 6 + 6).map((id) => `${id}-${i}`),
        big,
      );
    const { id, key } = await api.makeKey({ role: "reader", tenant: "default", name: "gone" });
    const request = get(`${api.api.url}/v1/export`, { headers: { authorization: `Bearer ${key}` }, agent: false });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    await (await api.fetch(`/v1/keys/${id}`, { method: "DELETE" })).text();
    let text = "";
    const take = async (): Promise<void> => {
      for await (const part of answer) text += String(part);
    };
    await expect(take()).rejects.toThrow(/aborted/);
    expect(text).not.toContain('{"end":');
    expect(await whenClosed()).toMatchObject({ detail: { end: "key", complete: false } });
  });
});
