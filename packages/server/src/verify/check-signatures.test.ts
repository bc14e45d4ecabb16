import { ed25519FromSeed, formatVerifierKey, mldsa44FromSeed, sha256, signCheckpoint, utf8 } from "@evident/core";
import { describe, expect, it } from "vitest";
import { checkRotations, openTrailCheckpoint } from "./check-signatures.ts";
import { Report } from "./report.ts";
import type { Generation } from "./store-facts.ts";

const origin = "log.example/1";
const root = sha256(utf8("root"));

function makePair(seed: number) {
  const bytes = new Uint8Array(32).fill(seed);
  const pairs = { ed25519: ed25519FromSeed(bytes), mldsa44: mldsa44FromSeed(bytes) };
  const key = (type: number, publicKey: Uint8Array) => formatVerifierKey({ name: origin, type, publicKey });
  return { pairs, keys: [key(1, pairs.ed25519.publicKey), key(6, pairs.mldsa44.publicKey)] };
}

const old = makePair(1);
const next = makePair(2);

function sign(size: number, ...signers: readonly (typeof old)[]): Uint8Array {
  return signCheckpoint(
    { origin, size, root, timestamp: 1_700_000_000 },
    signers.map(({ pairs }) => pairs),
  );
}

async function check(
  trail: string,
  statement: { readonly size: number; readonly index: number },
  note: Uint8Array | undefined,
  isUnderWay = false,
) {
  const generations: Generation[] = [
    { keys: old.keys, size: 0, index: 1 },
    { keys: next.keys, ...statement },
  ];
  const facts = { trail, origin, index: 1, generations, heads: [], segments: [], tails: [] };
  const report = new Report();
  const notes = { sizes: [statement.size], read: () => Promise.resolve(note), file: (size: number) => `${size}.note` };
  const opened = await checkRotations(facts, notes, report, isUnderWay);
  return { opened: opened.length, problems: report.finish({ kind: "none", size: 0 }).problems };
}

describe("a change of keys", () => {
  it("is followed when both pairs signed the stated size, and the old ones a head of evident that states it", async () => {
    expect(await check("alpha", { size: 5, index: 9 }, sign(5, old, next))).toEqual({ opened: 1, problems: [] });
    expect(await check("evident", { size: 10, index: 9 }, sign(10, old, next))).toEqual({ opened: 1, problems: [] });
  });

  it("of evident is a forgery when no head that the old keys signed holds its statement", async () => {
    // Whoever has a checkpoint can add signatures of his own to it, and state his keys in entries that he signs himself.
    const { problems } = await check("evident", { size: 9, index: 9 }, sign(9, old, next));
    expect(problems).toMatchObject([{ kind: "signature", severity: "failed", index: 9 }]);
  });

  it("without its note is a gap only while the new keys have signed nothing", async () => {
    expect((await check("alpha", { size: 5, index: 9 }, undefined)).problems).toMatchObject([
      { kind: "missing", severity: "failed" },
    ]);
    expect((await check("alpha", { size: 5, index: 9 }, undefined, true)).problems).toMatchObject([
      { kind: "interrupted", severity: "gap" },
    ]);
  });

  it("fails with a note that one of the pairs did not sign, or that is of another size", async () => {
    for (const note of [sign(5, old), sign(5, next), sign(5, next, old), sign(6, old, next)]) {
      const { opened, problems } = await check("alpha", { size: 5, index: 9 }, note, true);
      expect(opened).toBe(0);
      expect(problems).toMatchObject([{ severity: "failed" }]);
    }
  });
});

describe("a checkpoint after a change of keys", () => {
  const generations: readonly Generation[] = [
    { keys: old.keys, size: 0, index: 1 },
    { keys: next.keys, size: 5, index: 9 },
  ];

  it("may be the old one of that size after a crash, never after a stop", () => {
    expect(openTrailCheckpoint(sign(5, old), generations, true)).toMatchObject({
      opened: { kind: "valid" },
      by: generations[0],
    });
    expect(openTrailCheckpoint(sign(5, old), generations, false).opened.kind).toBe("invalid");
    expect(openTrailCheckpoint(sign(6, next), generations, false)).toMatchObject({
      opened: { kind: "valid" },
      by: generations[1],
    });
  });

  it("is not taken from the old keys beyond that size: they may have been stolen since", () => {
    expect(openTrailCheckpoint(sign(6, old), generations, true)).toMatchObject({
      opened: { kind: "invalid" },
      by: undefined,
    });
  });
});
