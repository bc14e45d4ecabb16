import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Checker, identityReader, type Producer, Vault } from "./index.ts";

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

afterEach(() => {
  vault.close();
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

function checkOne(text: string, producer = PRODUCER) {
  const [checked] = checker.check([{ kind: "text", line: 1, text }], producer);
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

describe("the checker", () => {
  it("fills tenant, the key's only source and the adapter, and stores the canonical text", () => {
    const checked = checkOne(JSON.stringify(makeEvent()));
    expect(checked).toMatchObject({ kind: "store", line: 1, id: "e-1" });
    expect(lineOf(checked.draft)).toMatchObject({
      event: { origin: { tenant: "default", source: "shop", system: "shop-api", adapter: "http" } },
    });
  });

  it("gives the same identity and sent to the same event however it is written, another sent to other content", () => {
    const event = makeEvent();
    const first = checkOne(JSON.stringify(event)).draft;
    const again = checkOne(JSON.stringify(Object.fromEntries(Object.entries(event).reverse()), null, 2)).draft;
    const other = checkOne(JSON.stringify({ ...event, labels: ["pii"] })).draft;
    expect(again).toEqual(first);
    expect(other.identity?.subarray(0, 16)).toEqual(first.identity?.subarray(0, 16));
    expect(other.identity?.subarray(16)).not.toEqual(first.identity?.subarray(16));
  });

  it("reads the identity back from the stored line", () => {
    const { draft } = checkOne(JSON.stringify(makeEvent()));
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
  ])("quarantines %s with its reasons, and keeps the raw bytes as ciphertext", (why, text, field) => {
    const checked = checkOne(text);
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

  it("moves native, then detail, out of an event that does not fit, and loses nothing", () => {
    const native = { record: "n".repeat(50_000) };
    const detail = { text: "d".repeat(40_000) };
    const one = checkOne(JSON.stringify(makeEvent({ native, detail })));
    expect(lineOf(one.draft)).toMatchObject({ event: { detail }, blob: {} });
    expect(openText(one.draft.blob)).toEqual({ native });
    const both = checkOne(JSON.stringify(makeEvent({ native, detail: { text: "d".repeat(70_000) } })));
    expect(both.kind).toBe("store");
    expect(openText(both.draft.blob)).toMatchObject({ native, detail: {} });
    expect(Buffer.byteLength(both.draft.rest)).toBeLessThan(2_000);
  });

  function openText(blob: { readonly id: string; readonly ciphertext: Uint8Array } | undefined): unknown {
    return JSON.parse(
      Buffer.from(vault.openBlob(blob?.id ?? "", blob?.ciphertext ?? new Uint8Array()) ?? []).toString(),
    );
  }

  it("quarantines a conflict with the place of the first", () => {
    const checked = checkOne(JSON.stringify(makeEvent()));
    const conflict = checker.conflict(checked, { trail: "main", index: 7 }, PRODUCER);
    expect(lineOf(conflict.draft)).toMatchObject({
      quarantine: { why: "conflict", id: "e-1", first: { trail: "main", index: 7 } },
    });
    expect(conflict.draft.identity).toBeUndefined();
  });

  it("keeps every entry under the limit whatever comes", () => {
    const hostile = JSON.stringify(
      Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`field${i}${"\u0001".repeat(50)}`, i])),
    );
    for (const text of [hostile, `{"id":"${"\\u0000".repeat(250)}"}`, "[".repeat(50_000)]) {
      expect(Buffer.byteLength(checkOne(text).draft.rest)).toBeLessThan(60_000);
    }
  });
});

describe("the vault", () => {
  it("keeps its file private and forgets nothing over a restart", () => {
    const [sealed] = vault.sealBlobs([Buffer.from("secret")]);
    vault.close();
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
