import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ed25519FromSeed, mldsa44FromSeed, sha256 } from "../crypto/index.ts";
import { concatBytes, fromBase64, fromHex, toHex, utf8 } from "../encoding/index.ts";
import { asHash, emptyRoot, hashLeaf } from "../tree/index.ts";
import * as note from "./index.ts";

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
const keys = { ed25519: ed25519FromSeed(seed), mldsa44: mldsa44FromSeed(seed) };
const next = { ed25519: ed25519FromSeed(sha256(seed)), mldsa44: mldsa44FromSeed(sha256(seed)) };
const origin = "log.example/trail-1";
const witness = "witness.example/w1";
const root = asHash(fromBase64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="));
const size = 20852163;
const text = `${origin}\n${size}\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`;

const vkeysOf = (name: string, set: note.CheckpointKeys): string[] => [
  note.formatVerifierKey({ name, type: 1, publicKey: set.ed25519.publicKey }),
  note.formatVerifierKey({ name, type: 6, publicKey: set.mldsa44.publicKey }),
];
const vkeys = vkeysOf(origin, keys);
const head = { origin, size, root, timestamp: 1679315147 };
const signed = note.signCheckpoint(head, [keys]);

function isValid(bytes: Uint8Array, trusted: readonly string[], strict: boolean): boolean {
  return note.openCheckpoint(bytes, trusted, { strict }).kind === "valid";
}

function whyNot(bytes: Uint8Array, trusted: readonly string[], strict = true): string {
  const opened = note.openCheckpoint(bytes, trusted, { strict });
  return opened.kind === "valid" ? "valid" : opened.why;
}

describe("vector A (Ed25519)", () => {
  it("gives the verifier key, the note and the cosignature", () => {
    expect(vkeys[0]).toBe("log.example/trail-1+76a96c53+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
    expect(note.formatCheckpoint(head)).toBe(text);
    const line = Buffer.from(signed).toString().split("\n")[4];
    expect(line).toBe(
      "— log.example/trail-1 dqlsU25WAA9jhGGbydciBuaQtl31mB0GhaQrInLW3Z5Z9tN97skl7kh0XqbkUw/78yOZ1TlA3Tjp93g14i4GOsmLGQo=",
    );
    const witnessKey = note.formatVerifierKey({ name: witness, type: 4, publicKey: keys.ed25519.publicKey });
    expect(witnessKey).toBe("witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
    const raw = keys.ed25519.sign(note.cosignatureV1Message(text, head.timestamp));
    const cosignature = {
      name: witness,
      keyId: note.keyId(witness, 4, keys.ed25519.publicKey),
      signature: note.timedSignature(head.timestamp, raw),
    };
    expect(note.formatSignature(cosignature)).toBe(
      "— witness.example/w1 519lMgAAAABkGFDLLOBfCL3rGIyzDPBdEjBlLDMbaQAkp6u0RwqS61r8/pMJX1kfcgn0NRIMSCbDlUdBLfpIKyPGfSztjrBBoT9MBQ==\n",
    );
    const witnessed = concatBytes(signed, utf8(note.formatSignature(cosignature)));
    expect(note.openCheckpoint(witnessed, [...vkeys, witnessKey], { strict: true })).toMatchObject({
      kind: "valid",
      timestamps: [head.timestamp, head.timestamp],
    });
  });
});

describe("vector B (ML-DSA-44)", () => {
  it("gives the key id, the message and the deterministic signature", () => {
    const { publicKey } = keys.mldsa44;
    expect(toHex(note.keyId(witness, 6, publicKey))).toBe("dcccf9ec");
    expect(toHex(sha256(publicKey))).toBe("9f107644c1084526af3bc8098680b05499a2325a644e388fb4f970e058d19d46");
    const message = note.subtreeMessage({
      cosigner: witness,
      timestamp: head.timestamp,
      origin,
      start: 0n,
      end: BigInt(size),
      hash: root,
    });
    expect(message.length).toBe(107);
    // The vector is of the deterministic signature; ours are randomised where Node makes them.
    const signature = ml_dsa44.sign(message, ml_dsa44.keygen(seed).secretKey, { extraEntropy: false });
    expect(toHex(sha256(signature))).toBe("b3bb9c87298b85e338437eacf5cbe650f3035417e102bcad4c0cf418b6f24840");
    const verdict = note.verifyCheckpointSignature(
      { name: witness, type: 6, publicKey, keyId: fromHex("dcccf9ec") },
      note.timedSignature(head.timestamp, signature),
      text,
      { origin, size: BigInt(size), root },
    );
    expect(verdict).toEqual({ kind: "valid", timestamp: head.timestamp });
  });
});

describe("a checkpoint", () => {
  it("opens with both keys, and gives origin, size, root and time", () => {
    expect(note.openCheckpoint(signed, vkeys, { strict: true })).toEqual({
      kind: "valid",
      checkpoint: { origin, size: BigInt(size), root },
      timestamps: [head.timestamp],
      signers: vkeys.map(note.parseVerifierKey),
    });
  });

  it("does not open strictly when any bit is flipped", () => {
    for (let at = 0; at < signed.length; at += 1) {
      // Every bit of the head and the first signature; one of every byte of the long one, which costs 0.1 ms to check.
      for (const bit of at < 300 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
        const flipped = signed.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(isValid(flipped, vkeys, true), `bit ${bit} of byte ${at}`).toBe(false);
      }
    }
  });

  it("says why it does not open", () => {
    const rotated = note.signCheckpoint(head, [keys, next]);
    const other = vkeysOf(origin, next);
    expect(whyNot(signed, other)).toBe("unknown_key");
    expect(whyNot(signed, other, false)).toBe("missing_signature");
    expect(whyNot(rotated, vkeys)).toBe("unknown_key");
    expect(whyNot(rotated, [...vkeys, ...other])).toBe("valid");
    expect(whyNot(rotated, vkeys, false)).toBe("valid");
    expect(whyNot(signed, [...vkeys, ...other])).toBe("missing_signature");
    expect(whyNot(note.signCheckpoint(head, [next, keys]), [...vkeys, ...other])).toBe("not_canonical");
    expect(whyNot(signed, vkeysOf("log.example/other", keys))).toBe("wrong_origin");
    expect(whyNot(utf8("x"), vkeys)).toBe("malformed");
    expect(whyNot(signed, ["x"])).toBe("malformed");
    expect(whyNot(signed, [])).toBe("wrong_origin");
    const lines = Buffer.from(signed).toString().split("\n");
    const doubled = [...lines.slice(0, 5), lines[4], ...lines.slice(5)].join("\n");
    expect(whyNot(utf8(doubled), vkeys)).toBe("not_canonical");
    const onlyOne = [...lines.slice(0, 5), ""].join("\n");
    expect(whyNot(utf8(onlyOne), vkeys)).toBe("missing_signature");
    expect(whyNot(utf8(onlyOne), vkeys, false)).toBe("valid");
  });

  it("is spoiled by a known key whose signature fails, even where others hold", () => {
    const parsed = note.parseNote(signed);
    const [first, second] = parsed.signatures;
    if (first === undefined || second === undefined) throw new Error("two signatures");
    const forged = { ...first, signature: first.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) };
    expect(whyNot(note.formatNote(parsed.text, [forged, second]), vkeys, false)).toBe("bad_signature");
  });

  it.each([
    ["no extension lines", `${text}x\n`],
    ["no leading zero", text.replace("\n2", "\n02")],
    ["no negative size", text.replace("\n2", "\n-2")],
    ["no size of 2^63", text.replace(String(size), (1n << 63n).toString())],
    ["a root of 32 bytes", text.replace("CsUY", "")],
    ["an origin", text.slice(origin.length)],
    ["a last newline", text.slice(0, -1)],
  ])("has %s", (_what, broken) => {
    expect(() => note.parseCheckpoint(broken)).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("keeps sizes beyond 2^53", () => {
    const huge = (1n << 63n) - 1n;
    const bytes = note.signCheckpoint({ origin, size: huge, root, timestamp: 1 }, [keys]);
    expect(note.openCheckpoint(bytes, vkeys, { strict: true })).toMatchObject({ checkpoint: { size: huge } });
  });
});

/** The note's bytes after reading and writing them; what is no note comes back as it is. */
function reencode(bytes: Uint8Array): Uint8Array {
  try {
    const parsed = note.parseNote(bytes);
    return note.formatNote(parsed.text, parsed.signatures);
  } catch {
    return bytes;
  }
}

describe("a note", () => {
  it("is split at its last empty line", () => {
    const bytes = note.formatNote("a\n\nb\n", [{ name: "n", keyId: seed.slice(0, 4), signature: seed.slice(0, 3) }]);
    expect(note.parseNote(bytes).text).toBe("a\n\nb\n");
  });

  it("may carry many signatures of keys that nobody knows", () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ name: `w${i}`, keyId: seed.slice(0, 4), signature: seed }));
    const parsed = note.parseNote(signed);
    expect(isValid(note.formatNote(parsed.text, [...parsed.signatures, ...many]), vkeys, false)).toBe(true);
  });

  it.each([
    ["no signature", "a\n\n"],
    ["no text border", "a\n— n AAAAAAA=\n"],
    ["an unfinished line", "a\n\n— n AAAAAAA="],
    ["a control character", "a\x01\n\n— n AAAAAAA=\n"],
    ["a hyphen for the dash", "a\n\n- n AAAAAAA=\n"],
    ["a name with a plus", "a\n\n— n+m AAAAAAA=\n"],
    ["a name with a no-break space", "a\n\n— n\u00a0m AAAAAAA=\n"],
    ["no name", "a\n\n—  AAAAAAA=\n"],
    ["a signature of no bytes", "a\n\n— n AAAAAA==\n"],
    ["loose base64", "a\n\n— n AAAAAAB=\n"],
    ["two spaces", "a\n\n— n  AAAAAAA=\n"],
  ])("with %s is refused", (_what, bytes) => {
    expect(() => note.parseNote(utf8(bytes))).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("has one byte form only, whatever the bytes", () => {
    const parts = fc.constantFrom("\n", "\n\n", "— ", "n ", "AAAAAAA=", "a", "+", "\u00a0", "\ufeff");
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (pieces) => {
        const bytes = utf8(pieces.join(""));
        expect(reencode(bytes)).toEqual(bytes);
      }),
    );
  });
});

describe("a verifier key", () => {
  it("reads back, also with plus signs in its base64", () => {
    for (let i = 0; i < 40; i += 1) {
      const key = { name: "a/b", type: 1, publicKey: sha256(utf8(String(i))) };
      expect(note.parseVerifierKey(note.formatVerifierKey(key))).toMatchObject(key);
    }
  });

  it.each([
    "",
    "a",
    "a+b",
    "a+00000000+AA==",
    "+76a96c53+AQOh",
    "a b+76a96c53+AQOh",
    "a+76a96c53+A QOh",
    "a+76A96C53+AQOh",
  ])("%j is refused", (broken) => {
    expect(() => note.parseVerifierKey(broken)).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("with a key id of another key is refused", () => {
    const swapped = (vkeys[0] ?? "").replace("76a96c53", "76a96c54");
    expect(() => note.parseVerifierKey(swapped)).toThrow("76a96c54");
  });
});

describe("a proof file", () => {
  const entry = utf8('{"v":1}');
  const proof = { index: 7n, path: [hashLeaf(entry), emptyRoot], checkpoint: signed, extra: entry };

  it("has the lines of C2SP tlog-proof and reads back", () => {
    const bytes = note.formatProof(proof);
    expect(Buffer.from(bytes).toString().split("\n").slice(0, 3)).toEqual([
      "c2sp.org/tlog-proof@v1",
      "extra eyJ2IjoxfQ==",
      "index 7",
    ]);
    expect(note.parseProof(bytes)).toEqual(proof);
    const { extra: _, ...bare } = proof;
    expect(note.parseProof(note.formatProof(bare))).toEqual(bare);
    const alone = { index: 0n, path: [], checkpoint: signed };
    expect(note.parseProof(note.formatProof(alone))).toEqual(alone);
  });

  it.each([
    "",
    "\n\n",
    "c2sp.org/tlog-proof@v2\nindex 1\n\nx",
    "c2sp.org/tlog-proof@v1\n\nx",
    "c2sp.org/tlog-proof@v1\nindex 01\n\nx",
    "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx",
    "c2sp.org/tlog-proof@v1\nextra *\nindex 1\n\nx",
    "c2sp.org/tlog-proof@v1\nindex 9999999999999999999\n\nx",
    "c2sp.org/tlog-proof@v1\nindex 1",
  ])("%j is refused", (broken) => {
    expect(() => note.parseProof(utf8(broken))).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});
