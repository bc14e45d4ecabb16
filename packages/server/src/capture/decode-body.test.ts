import { gzipSync, zstdCompressSync } from "node:zlib";
import { EvidentError } from "@evident/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BodyLimits, type BodyLine, decodeBody } from "./index.ts";

const LIMITS: BodyLimits = { bodyBytes: 64 * 1024 * 1024, lineBytes: 1024 * 1024 };
const NDJSON = "application/x-ndjson";
const JSON_TYPE = "application/json";

async function* inPieces(bytes: Uint8Array, sizes: Iterator<number>): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(1, sizes.next().value ?? bytes.length);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function* always(size: number): Generator<number> {
  for (;;) yield size;
}

interface Decoded {
  readonly lines: BodyLine[];
  readonly error?: EvidentError;
}

async function decode(
  bytes: Uint8Array,
  contentType: string,
  contentEncoding?: string,
  sizes = always(7),
  limits = LIMITS,
): Promise<Decoded> {
  const lines: BodyLine[] = [];
  try {
    for await (const chunk of decodeBody(inPieces(bytes, sizes), { contentType, contentEncoding, limits }))
      lines.push(...chunk.lines);
  } catch (cause) {
    if (cause instanceof EvidentError) return { lines, error: cause };
    throw cause;
  }
  return { lines };
}

function textsOf({ lines }: Decoded): string[] {
  return lines.map((line) => (line.kind === "text" ? `${line.line}:${line.text.trim()}` : `${line.line}:${line.kind}`));
}

describe("decoding a body", () => {
  it("splits NDJSON with blank lines, CRLF, a byte order mark and no last newline, and counts lines as the sender does", async () => {
    const body = Buffer.from('\ufeff{"a":1}\r\n\n  \n{"b":"ü"}\n{"c":3}');
    expect(textsOf(await decode(body, NDJSON))).toEqual(['1:{"a":1}', '4:{"b":"ü"}', '5:{"c":3}']);
  });

  it("streams the elements of an array and finds nested brackets and strings", async () => {
    const body = Buffer.from(' [ {"a":"]},{\\"["} , [1,[2]] ,"x, y" , 7 ] \n');
    expect(textsOf(await decode(body, JSON_TYPE))).toEqual(['1:{"a":"]},{\\"["}', "2:[1,[2]]", '3:"x, y"', "4:7"]);
    expect(textsOf(await decode(Buffer.from("[]"), JSON_TYPE))).toEqual([]);
  });

  it.each(["[1,]", "[,1]", "[1", '["a', "[1]]", "[1] x", "[{]"])(
    "keeps the elements before the place where %s breaks",
    async (text) => {
      const decoded = await decode(Buffer.from(text), JSON_TYPE);
      expect(decoded.error).toMatchObject({ code: "bad_request" });
      expect(decoded.error?.message).toMatch(/the JSON array is broken at byte \d+/);
    },
  );

  it("reads one object whatever its line breaks", async () => {
    expect((await decode(Buffer.from('\n{\n"a": 1\n}\n'), JSON_TYPE)).lines).toHaveLength(1);
  });

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)("decompresses %s, and keeps the good lines of a truncated body", async (encoding, compress) => {
    const text = Array.from(
      { length: 5_000 },
      (_, i) => `{"line":${i},"noise":"${((i * 2_654_435_761) % 4_294_967_296).toString(36)}"}\n`,
    ).join("");
    const packed = compress(Buffer.from(text));
    const whole = await decode(packed, NDJSON, encoding, always(1_000));
    expect(whole.lines).toHaveLength(5_000);
    expect(whole.error).toBeUndefined();
    const cut = await decode(packed.subarray(0, Math.floor(packed.length * 0.7)), NDJSON, encoding, always(1_000));
    expect(cut.error).toMatchObject({ code: "bad_request" });
    // A zstd frame of this size is one block: nothing of it can be decoded before its end.
    expect(cut.lines.length).toBeGreaterThan(encoding === "gzip" ? 2_000 : -1);
    expect(textsOf(cut)).toEqual(textsOf(whole).slice(0, cut.lines.length));
  });

  it("keeps the beginning and the length of a record over the limit, and the records around it", async () => {
    const limits = { ...LIMITS, lineBytes: 100_000 };
    const body = Buffer.from(`{"a":1}\n"${"x".repeat(10_000_000)}"\n{"b":2}\n`);
    const decoded = await decode(body, NDJSON, undefined, always(65_536), limits);
    expect(textsOf(decoded)).toEqual(['1:{"a":1}', "2:line_too_long", '3:{"b":2}']);
    expect(decoded.lines[1]).toMatchObject({ sizeBytes: 10_000_002 });
    expect((decoded.lines[1] as { bytes: Uint8Array }).bytes).toHaveLength(65_536);
    const inArray = await decode(
      Buffer.from(`[{"a":1},"${"x".repeat(1_000_000)}",{"b":2}]`),
      JSON_TYPE,
      undefined,
      always(65_536),
      limits,
    );
    expect(textsOf(inArray)).toEqual(['1:{"a":1}', "2:line_too_long", '3:{"b":2}']);
  });

  it("names lines that are no UTF-8 and keeps the others", async () => {
    const body = Buffer.concat([
      Buffer.from('{"a":1}\n'),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from('{"b":2}\n'),
    ]);
    expect(textsOf(await decode(body, NDJSON, undefined, always(1_000)))).toEqual([
      '1:{"a":1}',
      "2:invalid_utf8",
      '3:{"b":2}',
    ]);
  });

  it("refuses an empty body, unknown types and encodings, and a body over its limit", async () => {
    expect((await decode(Buffer.from(""), NDJSON)).error).toMatchObject({ code: "bad_request" });
    expect((await decode(Buffer.from(" \n"), JSON_TYPE)).error).toMatchObject({ code: "bad_request" });
    expect((await decode(Buffer.from("{}"), "text/html")).error).toMatchObject({ code: "unsupported_media" });
    expect((await decode(Buffer.from("{}"), NDJSON, "br")).error).toMatchObject({ code: "unsupported_media" });
    const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024, 0x20));
    expect((await decode(bomb, NDJSON, "gzip", always(65_536))).error).toMatchObject({ code: "too_large" });
  });

  it("gives the same lines however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.json(), fc.string(), fc.constant("")), { maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (records, sizes) => {
          const body = Buffer.from(records.join("\n"));
          const expected = records
            .join("\n")
            .split("\n")
            .flatMap((text, i) => (/^\s*$/.test(text) ? [] : [`${i + 1}:${text.trim()}`]));
          if (records.join("\n").startsWith("\ufeff")) return;
          expect(textsOf(await decode(body, NDJSON, undefined, sizes as unknown as Generator<number>))).toEqual(
            expected,
          );
        },
      ),
      { numRuns: process.env.EVIDENT_SOAK === "1" ? 20_000 : 300 },
    );
  });

  it("survives mutated, truncated and random bodies of every type and encoding", async () => {
    const text = JSON.stringify([{ a: [1, "two", { b: null }] }, "x", 3]);
    const bodies = [Buffer.from(text), gzipSync(text), zstdCompressSync(text), Buffer.from(`${text}\n${text}\n`)];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bodies),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        fc.nat(),
        fc.constantFrom(NDJSON, JSON_TYPE),
        fc.constantFrom(undefined, "gzip", "zstd"),
        fc.uint8Array({ maxLength: 20 }),
        async (body, flips, cut, type, encoding, tail) => {
          const bytes = Buffer.concat([body.subarray(0, cut % (body.length + 1)), tail]);
          for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
          const decoded = await decode(bytes, type, encoding);
          expect(decoded.lines.every(({ line }) => line >= 1)).toBe(true);
        },
      ),
      { numRuns: process.env.EVIDENT_SOAK === "1" ? 50_000 : 1_000 },
    );
  });
});
