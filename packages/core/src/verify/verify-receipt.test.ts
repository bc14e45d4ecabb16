import { describe, expect, it } from "vitest";
import { ed25519FromSeed, mldsa44FromSeed, sha256 } from "../crypto/index.ts";
import { utf8 } from "../encoding/index.ts";
import { formatProof, formatVerifierKey, parseProof, signCheckpoint } from "../note/index.ts";
import { hashLeaf, hashNode } from "../tree/index.ts";
import { verifyReceipt } from "./index.ts";

const origin = "log.example/t";
const set = (text: string) => {
  const seed = sha256(utf8(text));
  return { ed25519: ed25519FromSeed(seed), mldsa44: mldsa44FromSeed(seed) };
};
const vkeysOf = (keys: ReturnType<typeof set>): string[] => [
  formatVerifierKey({ name: origin, type: 1, publicKey: keys.ed25519.publicKey }),
  formatVerifierKey({ name: origin, type: 6, publicKey: keys.mldsa44.publicKey }),
];
const keys = set("first");
const other = set("other");
const vkeys = vkeysOf(keys);
const entries = [utf8('{"a":1}'), utf8('{"b":2}')] as const;
const [left, right] = [hashLeaf(entries[0]), hashLeaf(entries[1])];
const checkpoint = signCheckpoint({ origin, size: 2, root: hashNode(left, right), timestamp: 1_700_000_000 }, [keys]);
const proof = formatProof({ index: 1, path: [left], checkpoint, extra: entries[1] });

const why = (receipt: Parameters<typeof verifyReceipt>[0]): string => {
  const verdict = verifyReceipt(receipt);
  if (verdict.kind === "verified") return "verified";
  return verdict.kind === "failed" ? verdict.why : `unchecked ${verdict.missing}`;
};

describe("a receipt", () => {
  it("proves the entry it carries, or the one it is given", () => {
    expect(verifyReceipt({ proof, keys: vkeys })).toEqual({
      kind: "verified",
      origin,
      index: 1n,
      size: 2n,
      entry: entries[1],
      timestamps: [1_700_000_000],
    });
    expect(why({ proof: formatProof({ index: 1, path: [left], checkpoint }), entry: entries[1], keys: vkeys })).toBe(
      "verified",
    );
    expect(why({ proof, keys: [...vkeysOf(other), ...vkeys] })).toBe("verified");
    expect(why({ proof, keys: vkeys.slice(0, 1) })).toBe("verified");
  });

  it("says what is missing or wrong", () => {
    expect(why({ proof, keys: [] })).toBe("unchecked keys");
    expect(why({ proof: formatProof({ index: 1, path: [left], checkpoint }), keys: vkeys })).toBe("unchecked entry");
    expect(why({ proof, entry: entries[0], keys: vkeys })).toBe("wrong_root");
    expect(why({ proof: formatProof({ index: 0, path: [left], checkpoint, extra: entries[1] }), keys: vkeys })).toBe(
      "wrong_root",
    );
    expect(why({ proof, keys: vkeysOf(other) })).toBe("missing_signature");
    expect(why({ proof, keys: ["x"] })).toBe("malformed");
    expect(why({ proof: utf8("x"), keys: vkeys })).toBe("malformed");
    const lines = Buffer.from(proof).toString().trimEnd().split("\n");
    expect(why({ proof: utf8(`${lines.slice(0, -1).join("\n")}\n`), keys: vkeys })).toBe("missing_signature");
  });

  it("fails with any byte changed", () => {
    for (let at = 0; at < proof.length; at += 1) {
      const changed = proof.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(why({ proof: changed, keys: vkeys }), `byte ${at}`).not.toBe("verified");
    }
    expect(parseProof(proof).index).toBe(1n);
  });
});
