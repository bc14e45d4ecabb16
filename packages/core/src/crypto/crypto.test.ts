import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../encoding/index.ts";
import * as noble from "./noble.ts";
import * as node from "./node.ts";

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
const bytes = (maxLength: number) => fc.uint8Array({ minLength: 0, maxLength });

describe.each([
  ["node", node],
  ["noble", noble],
])("crypto on %s", (_name, crypto) => {
  it("hashes the published vectors of SHA-256 and HMAC-SHA-256", () => {
    expect(toHex(crypto.sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231 test case 2
    expect(toHex(crypto.hmacSha256(utf8("Jefe"), utf8("what do ya want for nothing?")))).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  it("signs the first vector of RFC 8032", () => {
    const pair = crypto.ed25519FromSeed(fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    expect(toHex(pair.publicKey)).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    expect(toHex(pair.sign(new Uint8Array(0)))).toBe(
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    );
  });

  it("refuses seeds, keys and signatures of a wrong length", () => {
    expect(() => crypto.ed25519FromSeed(seed.subarray(1))).toThrow("32 bytes");
    expect(() => crypto.mldsa44FromSeed(seed.subarray(1))).toThrow("32 bytes");
    const message = utf8("m");
    expect(crypto.ed25519Verify(seed.subarray(1), message, new Uint8Array(64))).toBe(false);
    expect(crypto.ed25519Verify(seed, message, new Uint8Array(63))).toBe(false);
    expect(crypto.mldsa44Verify(seed, message, new Uint8Array(2420))).toBe(false);
    expect(crypto.mldsa44Verify(new Uint8Array(1312), message, new Uint8Array(1))).toBe(false);
  });
});

describe("node and noble", () => {
  it("agree on digests, keys and signatures, and reject any flipped bit", () => {
    fc.assert(
      fc.property(bytes(300), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), (message, key, flip) => {
        expect(node.sha256(message)).toEqual(noble.sha256(message));
        expect(node.hmacSha256(key, message)).toEqual(noble.hmacSha256(key, message));
        const [a, b] = [node.ed25519FromSeed(key), noble.ed25519FromSeed(key)];
        const signature = a.sign(message);
        expect(b.publicKey).toEqual(a.publicKey);
        expect(b.sign(message)).toEqual(signature);
        const bad = signature.slice();
        bad[(flip >> 3) % 64] = (bad[(flip >> 3) % 64] ?? 0) ^ (1 << (flip & 7));
        for (const crypto of [node, noble]) {
          expect(crypto.ed25519Verify(a.publicKey, message, signature)).toBe(true);
          expect(crypto.ed25519Verify(a.publicKey, message, bad)).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("verify each other's ML-DSA-44 signatures and reject any flipped bit", () => {
    const [a, b] = [node.mldsa44FromSeed(seed), noble.mldsa44FromSeed(seed)];
    expect(b.publicKey).toEqual(a.publicKey);
    fc.assert(
      fc.property(bytes(200), fc.nat(), (message, flip) => {
        for (const signature of [a.sign(message), b.sign(message)]) {
          const bad = signature.slice();
          const at = (flip >> 3) % bad.length;
          bad[at] = (bad[at] ?? 0) ^ (1 << (flip & 7));
          for (const crypto of [node, noble]) {
            expect(crypto.mldsa44Verify(a.publicKey, message, signature)).toBe(true);
            expect(crypto.mldsa44Verify(a.publicKey, message, bad)).toBe(false);
          }
        }
      }),
      { numRuns: 10 },
    );
  });

  it("keeps verifying with more keys than the cache of imported keys holds", () => {
    for (let i = 0; i < 300; i += 1) {
      const pair = node.ed25519FromSeed(node.sha256(utf8(String(i))));
      expect(node.ed25519Verify(pair.publicKey, seed, pair.sign(seed))).toBe(true);
    }
  });
});
