import { once } from "node:events";
import type { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, createZstdCompress, gzipSync, zstdCompressSync } from "node:zlib";
import { EvidentError } from "@evident/core";
import { describe, expect, it } from "vitest";
import { decompress } from "./decompress.ts";
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

  it.each([1, 7, 65_536])("keeps the elements before a break in pieces of %d bytes", async (size) => {
    const decoded = await decode(Buffer.from('[{"a":1},{"b":2},,{"c":3}]'), JSON_TYPE, undefined, always(size));
    expect(textsOf(decoded)).toEqual(['1:{"a":1}', '2:{"b":2}']);
    expect(decoded.error?.message).toContain("at byte 17: an element is missing");
  });

  it("keeps the elements around one with a bracket too many", async () => {
    const decoded = await decode(Buffer.from('[{"a":1}, {]}, [}, {"b":2}]'), JSON_TYPE);
    expect(decoded.error).toBeUndefined();
    expect(textsOf(decoded)).toEqual(['1:{"a":1}', "2:{]}", "3:[}", '4:{"b":2}']);
  });

  it.each([1, 1_000, 65_536])("keeps what stands before the body's limit in pieces of %d bytes", async (size) => {
    const body = Buffer.from('{"a":1}\n'.repeat(100));
    const decoded = await decode(body, NDJSON, undefined, always(size), { ...LIMITS, bodyBytes: 84 });
    expect(decoded.lines).toHaveLength(10);
    expect(decoded.error).toMatchObject({ code: "too_large" });
  });

  it("needs no more memory for a record of three million pieces than for one of one piece", async () => {
    const limits = { ...LIMITS, lineBytes: 1_000_000 };
    const before = process.memoryUsage().rss;
    const decoded = await decode(Buffer.alloc(3_000_000, 0x78), NDJSON, undefined, always(1), limits);
    expect(decoded.lines).toMatchObject([{ kind: "line_too_long", sizeBytes: 3_000_000 }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  it("takes only its own kinds of white space for blank lines", async () => {
    expect(textsOf(await decode(Buffer.from(" \t\r\n\u00a0\n{}\n"), NDJSON))).toEqual(["2:", "3:{}"]);
  });

  it.each([
    ["application/json-seq", "content type"],
    ["application/jsonx", "content type"],
    ["application/json; charset=utf-16", "charset"],
    ["application/x-ndjson;charset=latin1", "charset"],
    ["", "content type"],
  ])("refuses %j", async (type, why) => {
    const { error } = await decode(Buffer.from("{}"), type);
    expect(error).toMatchObject({ code: "unsupported_media", message: expect.stringContaining(why) });
  });

  it.each([
    "application/json; charset=utf-8",
    'Application/JSON ; x=y; CharSet="UTF-8"',
    "text/json",
    "application/vnd.x+json",
    "application/jsonl",
    "application/x-ndjson; charset=us-ascii",
  ])("takes %j", async (type) => {
    expect((await decode(Buffer.from("{}"), type)).lines).toHaveLength(1);
  });

  it("releases its source when its reader stops early", async () => {
    for (const [type, text] of [
      [NDJSON, "{}\n".repeat(10)],
      [JSON_TYPE, `[${"{},".repeat(10)}{}]`],
    ] as const) {
      for (const encoding of [undefined, "gzip"]) {
        let isReleased = false;
        async function* source(): AsyncGenerator<Uint8Array> {
          try {
            for (;;) yield encoding === undefined ? Buffer.from(text) : gzipSync(text);
          } finally {
            isReleased = true;
          }
        }
        for await (const chunk of decodeBody(source(), {
          contentType: type,
          contentEncoding: encoding,
          limits: LIMITS,
        }))
          if (chunk.lines.length > 0) break;
        expect(isReleased).toBe(true);
      }
    }
  });

  it("reads several gzip members and zstd frames, and names what follows them", async () => {
    const [one, two] = ['{"a":1}\n', '{"b":2}\n'];
    const frames = Buffer.concat([zstdCompressSync(one), zstdCompressSync(two)]);
    const members = Buffer.concat([gzipSync(one), gzipSync(two)]);
    for (const [encoding, body] of [
      ["zstd", frames],
      ["gzip", members],
    ] as const) {
      expect(textsOf(await decode(body, NDJSON, encoding, always(5)))).toEqual(['1:{"a":1}', '2:{"b":2}']);
      const tail = await decode(Buffer.concat([body, Buffer.from('{"c":3}\n')]), NDJSON, encoding, always(5));
      expect(tail.error).toMatchObject({ code: "bad_request" });
      expect(textsOf(tail)).toEqual(['1:{"a":1}', '2:{"b":2}']);
    }
  });

  it("refuses a zstd window that would cost much memory", async () => {
    const wide = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } });
    const body = await compressAll(wide, Buffer.alloc(40 * 1024 * 1024, '{"a":1}\n'));
    expect((await decode(body, NDJSON, "zstd", always(65_536))).error).toMatchObject({ code: "bad_request" });
  });

  it("holds a bounded part of what a small body grows to while its reader is slow", async () => {
    for (const [encoding, bomb] of [
      ["gzip", gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20))],
      ["zstd", zstdCompressSync(Buffer.alloc(200 * 1024 * 1024, 0x20))],
    ] as const) {
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      async function* whole(): AsyncGenerator<Uint8Array> {
        yield bomb;
      }
      let chunks = 0;
      for await (const chunk of decompress(whole(), encoding)) {
        chunks += chunk.length > 0 ? 1 : 0;
        if (chunks % 100 === 1) await sleep(1);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      expect(chunks).toBeGreaterThan(3_000);
      expect(most).toBeLessThan(64 * 1024 * 1024);
    }
  });
});

async function compressAll(stream: Transform, content: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.write(content.subarray(0, 1_000_000));
  stream.end(content.subarray(1_000_000));
  await once(stream, "end");
  return Buffer.concat(parts);
}
