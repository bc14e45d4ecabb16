import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "./index.ts";

const anyBytes = fc.uint8Array({ maxLength: 100 });

describe("base64 and hex", () => {
  it("give back the bytes they were made from", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      }),
    );
  });

  it.each(["AA", "AA=", "AA= =", "AB==", "A A=", "AA==\n", " AA==", "AAAA====", "AA==AAAA", "-_8=", "AAé="])(
    "refuse the non-canonical base64 %j",
    (text) => {
      expect(() => fromBase64(text)).toThrow(expect.objectContaining({ code: "bad_encoding" }));
    },
  );

  it.each(["AA==", "AB", "+/8", "A", "AA "])("refuse the non-canonical base64url %j", (text) => {
    expect(() => fromBase64Url(text)).toThrow(expect.objectContaining({ code: "bad_encoding" }));
  });

  it.each(["0", "AB", "0g", "0x00", " 00"])("refuse the hex %j", (text) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: "bad_encoding" }));
  });
});

describe("text and bytes", () => {
  it("keep text as it is, a byte order mark too", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fromUtf8(utf8(`\uFEFF${text}`))).toBe(`\uFEFF${text.toWellFormed()}`);
      }),
    );
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: "bad_encoding" }));
  });

  it("concatenate, compare and order as Buffer does", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(concatBytes(a, b)).toEqual(new Uint8Array(Buffer.concat([a, b])));
        expect(equalBytes(a, b)).toBe(Buffer.from(a).equals(b));
        expect(equalBytes(a, a.slice())).toBe(true);
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });
});
