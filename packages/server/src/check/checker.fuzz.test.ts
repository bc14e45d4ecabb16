import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeEvent } from "@evident/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checker, identityReader, type Producer, Vault } from "./index.ts";

const isSoak = process.env.EVIDENT_SOAK === "1";
/** In the name of the test, so that a run can be repeated with EVIDENT_SEED. */
const seed = Number(process.env.EVIDENT_SEED ?? (isSoak ? Date.now() % 2_147_483_647 : 7));
const MAX_REST_BYTES = 65_535 - 80;
const MAC_KEY = new Uint8Array(32).fill(7);
const PRODUCER: Producer = { key: "k1", tenant: "default", sources: [] };

let dir: string;
let vault: Vault;
let checker: Checker;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "evident-vault-"));
  vault = new Vault(dir);
  checker = new Checker({ macKey: MAC_KEY, vault, nowMs: () => Date.parse("2026-11-24T10:00:00Z") });
});
afterAll(async () => {
  await vault.close();
  rmSync(dir, { recursive: true, force: true });
});

type Members = Record<string, unknown>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}

/** Puts a value at a place of an event that `steps` chooses, or deletes what is there. */
function change(event: Members, steps: readonly number[], value: unknown): void {
  let at = event;
  for (const [i, step] of steps.entries()) {
    const keys = [...Object.keys(at), "__proto__", "constructor", "zzz"];
    const key = keys[step % keys.length] ?? "";
    const inner = Object.hasOwn(at, key) ? at[key] : undefined;
    if (i < steps.length - 1 && isMembers(inner)) at = inner;
    else {
      if (value === undefined) delete at[key];
      else Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true });
      return;
    }
  }
}

const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    undefined,
    null,
    "",
    "-",
    0,
    -0,
    Number.MAX_VALUE,
    "\ud800",
    "2026-03-01T08:30:00",
    "9999-12-31T23:59:60+14:00",
    [],
    {},
  ),
  fc.string({ unit: "binary" }),
  fc.integer({ min: 1, max: 90_000 }).map((size) => "ü".repeat(size)),
  fc.integer({ min: 900, max: 1_100 }).map((size) => Array.from({ length: size }, () => ({ type: "t", id: "1" }))),
);

const eventText = fc
  .tuple(fc.array(fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), value), { maxLength: 4 }), fc.nat(9))
  .map(([changes, flip]) => {
    const event: Members = structuredClone(makeEvent("e"));
    for (const [steps, to] of changes) change(event, steps, to);
    const text = JSON.stringify(event);
    return flip === 0 ? text.slice(0, -3) : text;
  });

describe(`the checker under fuzz (seed ${seed})`, { timeout: isSoak ? 3_600_000 : 60_000 }, () => {
  it("makes an entry of every line, within its bounds, whose identity can be read back", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(eventText, fc.json(), fc.string()), { minLength: 1, maxLength: 4 }),
        async (texts) => {
          const lines = texts.map((text, i) => ({ kind: "text" as const, line: i + 1, text }));
          const checked = await checker.check(lines, PRODUCER);
          expect(checked.map(({ line }) => line)).toEqual(lines.map(({ line }) => line));
          for (const { kind, draft, reasons } of checked) {
            expect(Buffer.byteLength(draft.rest)).toBeLessThan(MAX_REST_BYTES);
            expect(draft.rest.isWellFormed()).toBe(true);
            expect(draft.rest).not.toContain("\n");
            const stored = `{"v":1,"kind":"${draft.kind}","received":"2026-11-24T10:00:00.000000000Z",${draft.rest}}`;
            expect(JSON.parse(stored)).toBeTypeOf("object");
            expect((reasons?.length ?? 0) > 0).toBe(kind === "quarantine");
            expect(identityReader(MAC_KEY)(Buffer.from(stored))).toEqual(draft.identity);
          }
        },
      ),
      { seed, numRuns: isSoak ? 30_000 : 300 },
    );
  });
});
