import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ExportedEntry } from "@evident/core";
import { makeTemporaryDirectory, readParquet } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { ParquetSink } from "./parquet-sink.ts";
import { PartialFile } from "./partial-file.ts";

const going = new AbortController().signal;

function entry(index: number, changes: object = {}): ExportedEntry {
  const event = {
    v: 1,
    id: `e${index}`,
    time: { occurred: "2026-03-01T08:30:00.123456789Z", precision: "ns", basis: "event" },
    actor: { type: "user", id: "a", ns: "idp" },
    action: { op: "READ", name: "x", kind: "api" },
    resources: [{ type: "record", id: "r" }],
    outcome: { status: "success" },
    source: {},
    origin: { tenant: "acme", source: "s", system: "records", adapter: "http" },
    ...changes,
  };
  const head = { v: 1, kind: "event", received: "2026-03-01T08:30:01.000000000Z", sent: "AAAA" };
  return { trail: "main", index, line: JSON.stringify({ ...head, event }) };
}

describe("a Parquet file", () => {
  it("of no entries has its columns", async () => {
    using directory = makeTemporaryDirectory("parquet");
    const path = join(directory.path, "empty.parquet");
    const sink = await ParquetSink.open(await PartialFile.create(path, false), going);
    expect(await sink.finish()).toMatchObject({ sizeBytes: statSync(path).size, notes: [] });
    expect(await readParquet(path, "SELECT count(*)::INT n FROM file")).toEqual([{ n: 0 }]);
    expect(readdirSync(directory.path)).toEqual(["empty.parquet"]);
  });

  it("keeps the order of entries, nanoseconds, and what is nested", async () => {
    using directory = makeTemporaryDirectory("parquet");
    // A quote in a path is a quote in a statement.
    const path = join(directory.path, "it's.parquet");
    const sink = await ParquetSink.open(await PartialFile.create(path, false), going);
    const acting = { actor: { type: "agent", id: "a", ns: "x", onBehalfOf: [{ type: "user", id: "u", ns: "idp" }] } };
    for (let at = 0; at < 10_000; at += 1_000)
      await sink.write(Array.from({ length: 1_000 }, (_, i) => entry(at + i, acting)));
    await sink.finish();
    const sql =
      'SELECT "index"::INT i, epoch_ns(time_occurred)::VARCHAR ns, actor_on_behalf_of[1].id who, impact_rows FROM file';
    const rows = await readParquet(path, sql);
    expect(rows.map(({ i }) => i)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(rows[7]).toEqual({ i: 7, ns: "1772353800123456789", who: "u", impact_rows: null });
  });

  it("counts what does not fit the type of its column", async () => {
    using directory = makeTemporaryDirectory("parquet");
    const path = join(directory.path, "odd.parquet");
    const sink = await ParquetSink.open(await PartialFile.create(path, false), going);
    const time = (occurred: string) => ({ time: { occurred, precision: "s", basis: "event" } });
    await sink.write([
      entry(0, time("0001-01-01T00:00:00.000000000Z")),
      entry(1, time("2262-04-10T23:59:59.999999999Z")),
      entry(2, time("9999-12-31T23:59:59.000000000Z")),
      entry(3, { impact: { rows: "9223372036854775807", objects: "9223372036854775808" } }),
    ]);
    expect((await sink.finish()).notes).toEqual([expect.stringMatching(/^3 values are null/)]);
    const rows = await readParquet(path, "SELECT time_occurred IS NULL gone, impact_rows, impact_objects FROM file");
    expect(rows.map(({ gone }) => gone)).toEqual([true, false, true, false]);
    expect(rows[3]).toMatchObject({ impact_rows: "9223372036854775807", impact_objects: null });
  });

  it("fits into memory where wide entries stand together between narrow ones", async () => {
    using directory = makeTemporaryDirectory("parquet");
    const path = join(directory.path, "wide.parquet");
    const sink = await ParquetSink.open(await PartialFile.create(path, false), going);
    const narrow = 20_000;
    const wide = 6_000;
    const text = "wide ".repeat(12_000);
    for (let at = 0; at < narrow; at += 500) await sink.write(Array.from({ length: 500 }, (_, i) => entry(at + i)));
    for (let at = 0; at < wide; at += 50)
      await sink.write(Array.from({ length: 50 }, (_, i) => entry(at + i, { detail: { text: `${at + i} ${text}` } })));
    await sink.finish();
    const sql = "SELECT count(*)::INT n, sum(length(detail))::BIGINT::VARCHAR size FROM file";
    const [row] = await readParquet(path, sql);
    expect(row?.["n"]).toBe(narrow + wide);
    expect(Number(row?.["size"])).toBeGreaterThan(wide * text.length);
  });

  it("is not there when it was discarded or stopped, nor what was made for it", async () => {
    using directory = makeTemporaryDirectory("parquet");
    const path = join(directory.path, "gone.parquet");
    const discarded = await ParquetSink.open(await PartialFile.create(path, false), going);
    await discarded.write([entry(0)]);
    await discarded.discard();
    const stopped = await ParquetSink.open(await PartialFile.create(path, false), AbortSignal.abort(new Error("stop")));
    await stopped.write([entry(0)]);
    await expect(stopped.finish()).rejects.toThrow("stop");
    await stopped.discard();
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(directory.path)).toEqual([]);
  });
});
