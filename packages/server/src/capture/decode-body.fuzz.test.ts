import { gzipSync, zstdCompressSync } from "node:zlib";
import { EvidentError } from "@evident/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BodyLimits, type BodyLine, decodeBody } from "./index.ts";

const isSoak = process.env.EVIDENT_SOAK === "1";
/** In the names of the tests, so that a run can be repeated with EVIDENT_SEED. */
const seed = Number(process.env.EVIDENT_SEED ?? (isSoak ? Date.now() % 2_147_483_647 : 7));
const numRuns = (quick: number): number => (isSoak ? quick * 50 : quick);

const LIMITS: BodyLimits = { bodyBytes: 4_000, lineBytes: 300 };
const KEPT_BYTES = 64 * 1024;
const types = ["application/x-ndjson", "application/json"] as const;
const encodings = [undefined, "gzip", "zstd"] as const;
type Encoding = (typeof encodings)[number];

function pack(bytes: Buffer, encoding: Encoding): Buffer {
  if (encoding === undefined) return bytes;
  return encoding === "gzip" ? gzipSync(bytes) : zstdCompressSync(bytes);
}

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

interface Decoded {
  /** Kind, line and content, one text each. */
  readonly lines: readonly string[];
  readonly code: string | undefined;
}

function show(line: BodyLine): string {
  if (line.kind === "text") return `${line.line} ${line.text}`;
  expect(line.bytes.length).toBeLessThanOrEqual(KEPT_BYTES);
  return `${line.line} ${line.kind} ${line.sizeBytes} ${Buffer.from(line.bytes).toString("latin1")}`;
}

/** Decodes, and checks what must hold for any body. */
async function decode(
  bytes: Uint8Array,
  contentType: string,
  encoding: Encoding,
  sizes: readonly number[],
): Promise<Decoded> {
  const lines: BodyLine[] = [];
  let code: string | undefined;
  try {
    for await (const chunk of decodeBody(cut(bytes, sizes), {
      contentType,
      contentEncoding: encoding,
      limits: LIMITS,
    })) {
      expect(chunk.lines.length).toBeLessThanOrEqual(1_000);
      lines.push(...chunk.lines);
    }
  } catch (cause) {
    if (!(cause instanceof EvidentError)) throw cause;
    code = cause.code;
  }
  expect([undefined, "bad_request", "too_large"]).toContain(code);
  for (const [i, { line }] of lines.entries()) expect(line).toBeGreaterThan(lines[i - 1]?.line ?? 0);
  const keptBytes = lines.reduce(
    (sum, line) => sum + (line.kind === "text" ? Buffer.byteLength(line.text) : line.bytes.length),
    0,
  );
  expect(keptBytes).toBeLessThanOrEqual(LIMITS.bodyBytes);
  return { lines: lines.map(show), code };
}

const record = fc.oneof(
  fc.json().map((text) => Buffer.from(text)),
  fc.object().map((value) => Buffer.from(JSON.stringify(value))),
  fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 250, max: 700 }).map((size) => Buffer.from(`"${"long ".repeat(size / 5)}"`)),
  fc
    .constantFrom("", " ", "\r", "\t \r", "{", "]", '"', '{"a":"\\"}', '"\\\\"', "[[]", "\ufeff")
    .map((text) => Buffer.from(text)),
);
const sizes = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
);

function join(records: readonly Buffer[], separator: string): Buffer {
  return Buffer.concat(records.flatMap((each, i) => (i === 0 ? [each] : [Buffer.from(separator), each])));
}

/** Bodies as clients send them, and nearly so. */
const body = fc
  .record({
    records: fc.array(record, { maxLength: 12 }),
    form: fc.constantFrom("lines", "array", "object", "random"),
    mark: fc.boolean(),
    end: fc.constantFrom("", "\n", " \r\n", ",", "]"),
  })
  .map(({ records, form, mark, end }) => {
    const [first = Buffer.from("{}")] = records;
    const middle =
      form === "lines"
        ? join(records, "\n")
        : form === "array"
          ? Buffer.concat([Buffer.from("["), join(records, ","), Buffer.from("]")])
          : form === "object"
            ? first
            : join(records, "");
    return Buffer.concat([Buffer.from(mark ? "\ufeff" : ""), middle, Buffer.from(end)]);
  });

type Change = readonly ["set" | "insert" | "drop" | "cut", number, number];
const changes = fc.array(
  fc.tuple(fc.constantFrom("set" as const, "insert" as const, "drop" as const, "cut" as const), fc.nat(), fc.nat(255)),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Buffer, list: readonly Change[]): Buffer {
  let changed = Buffer.from(bytes);
  for (const [how, place, value] of list) {
    const at = place % (changed.length + 1);
    const tail = changed.subarray(how === "insert" ? at : at + 1);
    const middle = how === "drop" || how === "cut" ? [] : [Buffer.from([value])];
    changed = Buffer.concat([changed.subarray(0, at), ...middle, ...(how === "cut" ? [] : [tail])]);
  }
  return changed;
}

describe(`the body decoder under fuzz (seed ${seed})`, { timeout: isSoak ? 3_600_000 : 60_000 }, () => {
  it("gives the same lines and the same end in every encoding, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.constantFrom(...types),
        fc.constantFrom(...encodings),
        sizes,
        async (bytes, type, encoding, pieces) => {
          fc.pre(bytes.length > 0 || encoding === undefined);
          const whole = await decode(bytes, type, undefined, []);
          expect(await decode(pack(bytes, encoding), type, encoding, pieces)).toEqual(whole);
        },
      ),
      { seed, numRuns: numRuns(1_500) },
    );
  });

  it("gives what stands before the damage of a compressed body, and says that it is damaged", async () => {
    await fc.assert(
      fc.asyncProperty(
        body,
        changes,
        fc.constantFrom(...types),
        fc.constantFrom("gzip" as const, "zstd" as const),
        sizes,
        async (bytes, list, type, encoding, pieces) => {
          const packed = mutate(pack(bytes, encoding), list);
          const one = await decode(packed, type, encoding, []);
          const other = await decode(packed, type, encoding, pieces);
          expect(other.code === undefined).toBe(one.code === undefined);
          // How much a decoder gives before it sees the damage depends on its input; what it gives does not.
          const shared = Math.min(one.lines.length, other.lines.length);
          expect(other.lines.slice(0, shared)).toEqual(one.lines.slice(0, shared));
          expect(shared).toBe(one.code === undefined ? Math.max(one.lines.length, other.lines.length) : shared);
        },
      ),
      { seed, numRuns: numRuns(1_000) },
    );
  });

  it("survives random bytes under every label", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(...types),
        fc.constantFrom(...encodings),
        sizes,
        async (bytes, type, encoding, pieces) => {
          const one = await decode(bytes, type, encoding, []);
          const other = await decode(bytes, type, encoding, pieces);
          expect(other.code === undefined).toBe(one.code === undefined);
          expect(encoding === undefined ? other : one).toEqual(one);
        },
      ),
      { seed, numRuns: numRuns(1_000) },
    );
  });

  it("never loses a good line to the bad ones around it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(record, fc.nat()), { maxLength: 10 }), sizes, async (records, pieces) => {
        const bad = records.map(([bytes]) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)));
        const all = bad.flatMap((bytes, i) => [bytes, Buffer.from(`{"good":${i}}`)]);
        fc.pre(join(all, "\n").length <= LIMITS.bodyBytes);
        const { lines, code } = await decode(join(all, "\n"), "application/x-ndjson", undefined, pieces);
        expect(code).toBe(all.length === 0 ? "bad_request" : undefined);
        for (const i of bad.keys()) expect(lines).toContain(`${2 * i + 2} {"good":${i}}`);
      }),
      { seed, numRuns: numRuns(500) },
    );
  });
});
