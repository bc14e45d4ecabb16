import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Checker, identityReader, type Producer, type SealedBlob, Vault } from "./index.ts";

const NOW_MS = Date.parse("2026-11-24T10:00:00Z");
const MAC_KEY = new Uint8Array(32).fill(7);
const PRODUCER: Producer = { key: "k1", tenant: "default", sources: ["shop"] };
let dir: string;
let vault: Vault;
let checker: Checker;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "evident-vault-"));
  vault = new Vault(join(dir, "vault"));
  checker = new Checker({ macKey: MAC_KEY, vault, nowMs: () => NOW_MS });
});

afterEach(async () => {
  await vault.close();
  rmSync(dir, { recursive: true, force: true });
});

function makeEvent(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    v: 1,
    id: "e-1",
    time: { occurred: "2026-11-24T09:30:00.123Z", precision: "ms", basis: "event" },
    actor: { type: "user", id: "u-1", ns: "okta:acme" },
    action: { op: "READ", name: "GET /orders/:id", kind: "http" },
    resources: [{ type: "order", id: "42" }],
    outcome: { status: "success" },
    source: {},
    origin: { system: "shop-api" },
    ...change,
  };
}

async function checkOne(text: string, producer = PRODUCER) {
  const [checked] = await checker.check([{ kind: "text", line: 1, text }], producer);
  if (checked === undefined) throw new Error("no line came back");
  return checked;
}

/** The stored line that a draft becomes. */
function lineOf({ kind, rest }: { readonly kind: string; readonly rest: string }): Record<string, unknown> {
  return JSON.parse(`{"v":1,"kind":"${kind}","received":"2026-11-24T10:00:00.000000000Z",${rest}}`) as Record<
    string,
    never
  >;
}

function many(text: string): readonly Record<string, string>[] {
  return Array.from({ length: 20 }, () => ({ field: text, problem: text, fix: text }));
}

describe("the checker", () => {
  it("takes a record that its sender could not read with its own bytes and reasons", async () => {
    const reasons = [{ field: "time", problem: "is missing", fix: "Look." }];
    const checked = await checkOne(
      JSON.stringify({ v: 1, id: "r-1", unreadable: { base64: "/wA=", sizeBytes: 1, reasons } }),
    );
    expect(checked).toMatchObject({ kind: "quarantine", raw: new Uint8Array([255, 0]), reasons });
    // Never less than there is.
    expect(lineOf(checked.draft)).toMatchObject({ quarantine: { why: "unreadable", id: "r-1", sizeBytes: 2 } });
  });

  it.each([
    ["no bytes", {}],
    ["two contents", { text: "a", base64: "YQ==" }],
    ["bytes that are no base64", { base64: "YQ=!" }],
    ["more reasons than an entry holds", { text: "a", reasons: many("\u0001".repeat(1_024)) }],
  ])("keeps an unreadable record with %s whole, as it came, in an entry that fits", async (_name, content) => {
    const text = JSON.stringify({ v: 1, id: "r-1", unreadable: { reasons: many("x").slice(0, 1), ...content } });
    const checked = await checkOne(text);
    expect(checked).toMatchObject({ kind: "quarantine", raw: text });
    expect(lineOf(checked.draft)).toMatchObject({ quarantine: { why: "invalid_event" } });
    expect(Buffer.byteLength(checked.draft.rest)).toBeLessThan(60_000);
  });

  it("fills tenant, the key's only source and the adapter, and stores the canonical text", async () => {
    const checked = await checkOne(JSON.stringify(makeEvent()));
    expect(checked).toMatchObject({ kind: "store", line: 1, id: "e-1" });
    expect(lineOf(checked.draft)).toMatchObject({
      event: { origin: { tenant: "default", source: "shop", system: "shop-api", adapter: "http" } },
    });
  });

  it("gives the same identity and sent to the same event however it is written, another sent to other content", async () => {
    const event = makeEvent();
    const first = (await checkOne(JSON.stringify(event))).draft;
    const { draft: again } = await checkOne(
      JSON.stringify(Object.fromEntries(Object.entries(event).reverse()), null, 2),
    );
    const other = (await checkOne(JSON.stringify({ ...event, labels: ["pii"] }))).draft;
    expect(again).toEqual(first);
    expect(other.identity?.subarray(0, 16)).toEqual(first.identity?.subarray(0, 16));
    expect(other.identity?.subarray(16)).not.toEqual(first.identity?.subarray(16));
  });

  it("reads the identity back from the stored line", async () => {
    const { draft } = await checkOne(JSON.stringify(makeEvent()));
    const line = Buffer.from(JSON.stringify(lineOf(draft)));
    expect(identityReader(MAC_KEY)(line)).toEqual(draft.identity);
  });

  it.each([
    ["malformed_json", "{nonsense", ""],
    ["malformed_json", '{"id":"a","id":"b"}', "id"],
    ["invalid_event", JSON.stringify(makeEvent({ resources: [] })), "resources"],
    ["source_mismatch", JSON.stringify(makeEvent({ origin: { tenant: "other", system: "s" } })), "origin.tenant"],
    ["source_mismatch", JSON.stringify(makeEvent({ origin: { source: "other", system: "s" } })), "origin.source"],
    [
      "time_in_future",
      JSON.stringify(makeEvent({ time: { occurred: "2026-11-24T10:06:00Z", precision: "s", basis: "event" } })),
      "time.occurred",
    ],
    [
      "oversize",
      JSON.stringify(
        makeEvent({ resources: Array.from({ length: 900 }, (_, i) => ({ type: "t", id: `${i}${"x".repeat(80)}` })) }),
      ),
      "",
    ],
  ])("quarantines %s with its reasons, and keeps the raw bytes as ciphertext", async (why, text, field) => {
    const checked = await checkOne(text);
    expect(checked.kind).toBe("quarantine");
    expect(checked.reasons?.[0]?.field).toBe(field);
    const entry = lineOf(checked.draft) as { quarantine: unknown; blob: { digest: string; sizeBytes: number } };
    expect(entry.quarantine).toMatchObject({
      why,
      tenant: "default",
      key: "k1",
      line: 1,
      sizeBytes: Buffer.byteLength(text),
    });
    const { blob } = checked.draft;
    expect(entry.blob.sizeBytes).toBe(blob?.ciphertext.length);
    expect(Buffer.from(blob?.ciphertext ?? []).includes(Buffer.from(text.slice(0, 12)))).toBe(false);
    expect(Buffer.from(vault.openBlob(blob?.id ?? "", blob?.ciphertext ?? new Uint8Array()) ?? []).toString()).toBe(
      text,
    );
  });

  it.each([
    [{ origin: null }, "origin"],
    [{ origin: { tenant: null, system: "s" } }, "origin.tenant"],
    [{ origin: { source: null, system: "s" } }, "origin.source"],
    [{ origin: { adapter: null, system: "s" } }, "origin.adapter"],
    [{ origin: 5 }, "origin"],
    [{ origin: { tenant: 5, system: "s" } }, "origin.tenant"],
  ])("fills nothing over what is wrong in %j", async (change, field) => {
    const checked = await checkOne(JSON.stringify(makeEvent(change)));
    expect(lineOf(checked.draft)).toMatchObject({ quarantine: { why: "invalid_event", reasons: [{ field }] } });
  });

  it("asks for the source that a key with several, or any, cannot fill in", async () => {
    for (const sources of [["a", "b"], []]) {
      const checked = await checkOne(JSON.stringify(makeEvent()), { ...PRODUCER, sources });
      expect(checked.reasons).toEqual([{ field: "origin.source", problem: "is missing", fix: "Add origin.source." }]);
      const named = makeEvent({ origin: { source: "b", system: "s" } });
      expect((await checkOne(JSON.stringify(named), { ...PRODUCER, sources })).kind).toBe("store");
    }
  });

  it("moves native, then detail, out of an event that does not fit, and loses nothing", async () => {
    const native = { record: "n".repeat(50_000) };
    const detail = { text: "d".repeat(40_000) };
    const one = await checkOne(JSON.stringify(makeEvent({ native, detail })));
    expect(lineOf(one.draft)).toMatchObject({ event: { detail }, blob: {} });
    expect(openText(one.draft.blob)).toEqual({ native });
    const both = await checkOne(JSON.stringify(makeEvent({ native, detail: { text: "d".repeat(70_000) } })));
    expect(both.kind).toBe("store");
    expect(openText(both.draft.blob)).toMatchObject({ native, detail: {} });
    expect(Buffer.byteLength(both.draft.rest)).toBeLessThan(2_000);
  });

  function openText(blob: { readonly id: string; readonly ciphertext: Uint8Array } | undefined): unknown {
    return JSON.parse(
      Buffer.from(vault.openBlob(blob?.id ?? "", blob?.ciphertext ?? new Uint8Array()) ?? []).toString(),
    );
  }

  it("quarantines a conflict with the place of the first", async () => {
    const checked = await checkOne(JSON.stringify(makeEvent()));
    const conflicts = [{ line: checked, first: { trail: "main", index: 7 } }];
    const [conflict] = await checker.quarantineConflicts(conflicts, PRODUCER);
    expect(conflict && lineOf(conflict.draft)).toMatchObject({
      quarantine: { why: "conflict", id: "e-1", source: "shop", first: { trail: "main", index: 7 } },
    });
    expect(conflict?.draft.identity).toBeUndefined();
  });

  it("keeps every entry under the limit whatever comes", async () => {
    const hostile = JSON.stringify(
      Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`field${i}${"\u0001".repeat(50)}`, i])),
    );
    for (const text of [hostile, `{"id":"${"\\u0000".repeat(250)}"}`, "[".repeat(50_000)]) {
      expect(Buffer.byteLength((await checkOne(text)).draft.rest)).toBeLessThan(60_000);
    }
  });
});

describe("the vault", () => {
  it("writes the keys of many at once, in few transactions", async () => {
    const sealed = await Promise.all(
      Array.from({ length: 200 }, (_, i) => vault.sealBlobs([Buffer.from(`a ${i}`), Buffer.from(`b ${i}`)])),
    );
    for (const [i, [a, b]] of sealed.entries()) {
      expect(Buffer.from(openSealed(a)).toString()).toBe(`a ${i}`);
      expect(Buffer.from(openSealed(b)).toString()).toBe(`b ${i}`);
    }
  });

  it("says that it could not be written, and can be written again later", async () => {
    await vault.sealBlobs([Buffer.from("first")]);
    const blocker = new DatabaseSync(join(dir, "vault", "vault.sqlite"));
    blocker.exec("BEGIN IMMEDIATE; DROP TABLE blob_keys; COMMIT");
    await expect(vault.sealBlobs([Buffer.from("x")])).rejects.toMatchObject({ code: "storage_failed" });
    blocker.exec("CREATE TABLE blob_keys (id TEXT PRIMARY KEY, key BLOB NOT NULL) STRICT, WITHOUT ROWID");
    blocker.close();
    const [sealed] = await vault.sealBlobs([Buffer.from("y")]);
    expect(Buffer.from(openSealed(sealed)).toString()).toBe("y");
  });

  it("names a directory that cannot be used", () => {
    writeFileSync(join(dir, "file"), "");
    expect(() => new Vault(join(dir, "file"))).toThrow(/could not be opened/);
  });

  it("writes what it was given before it closes", async () => {
    const sealing = vault.sealBlobs([Buffer.from("last")]);
    await vault.close();
    const [sealed] = await sealing;
    vault = new Vault(join(dir, "vault"));
    expect(Buffer.from(openSealed(sealed)).toString()).toBe("last");
  });

  function openSealed(sealed: SealedBlob | undefined): Uint8Array {
    return vault.openBlob(sealed?.id ?? "", sealed?.ciphertext ?? new Uint8Array()) ?? new Uint8Array();
  }

  it("keeps its file private and forgets nothing over a restart", async () => {
    const [sealed] = await vault.sealBlobs([Buffer.from("secret")]);
    await vault.close();
    expect(statSync(join(dir, "vault", "vault.sqlite")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, "vault"))).toEqual(["vault.sqlite"]);
    expect(readFileSync(join(dir, "vault", "vault.sqlite")).includes("secret")).toBe(false);
    vault = new Vault(join(dir, "vault"));
    expect(Buffer.from(vault.openBlob(sealed?.id ?? "", sealed?.ciphertext ?? new Uint8Array()) ?? []).toString()).toBe(
      "secret",
    );
    expect(vault.openBlob("0".repeat(32), new Uint8Array(40))).toBeUndefined();
    const changed = Buffer.from(sealed?.ciphertext ?? []);
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect(() => vault.openBlob(sealed?.id ?? "", changed)).toThrow(/not what was sealed/);
  });
});
