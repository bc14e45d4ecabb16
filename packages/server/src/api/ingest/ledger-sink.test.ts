import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { makeEvent, makeTemporaryDirectory } from "@evident/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BodyLine, Sender } from "../../capture/index.ts";
import { Checker, Vault } from "../../check/index.ts";
import { type Ledger, openLedger, type Pressure } from "../../ledger/index.ts";
import { SourceBook } from "../../sources/index.ts";
import { ApiMetrics } from "../metrics/index.ts";
import { openMemorySearch } from "../testing/index.ts";
import { LedgerSink } from "./ledger-sink.ts";

const directory = makeTemporaryDirectory("ledger-sink");
const sender: Sender = {
  receiver: "syslog",
  name: "syslog tcp://127.0.0.1:514",
  trail: "main",
  tenant: "default",
  source: "records",
};
const forever = new AbortController().signal;
let pressure: Pressure | undefined;
let refusals: EvidentError[] = [];
let real: Ledger;
let vault: Vault;
let sources: SourceBook;
let metrics: ApiMetrics;
let sink: LedgerSink;

beforeAll(async () => {
  const dataDir = join(directory.path, "data");
  real = await openLedger({ dataDir, keysDir: `${dataDir}.keys`, version: "test" });
  await real.createTrail({ name: "main", tenant: "default", by: "test" });
  const ledger = new Proxy(real, {
    get(target, name) {
      if (name === "pressure" && pressure !== undefined) return () => pressure;
      if (name === "append" && refusals.length > 0) return () => Promise.reject(refusals.shift() ?? new Error());
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  vault = new Vault(join(directory.path, "vault"));
  const checker = new Checker({ macKey: ledger.macKey, vault, nowMs: () => ledger.nowMs() });
  sources = new SourceBook({ ledger: real, path: join(directory.path, "sources.json"), onAlarm: () => undefined });
  metrics = new ApiMetrics({ ledger: real, search: openMemorySearch(real) });
  sink = new LedgerSink({ ledger, checker, sources, metrics });
});
afterAll(async () => {
  sources.close();
  await vault.close();
  await real.close();
  directory[Symbol.dispose]();
});
afterEach(() => {
  pressure = undefined;
  refusals = [];
});

const linesOf = (...ids: readonly string[]): readonly BodyLine[] =>
  ids.map((id, i) => ({ kind: "text", line: i + 1, text: JSON.stringify(makeEvent(id)) }));
const size = (): number => real.trail("main")?.size ?? 0;

describe("LedgerSink", () => {
  it("stores events once, quarantines what is none under the receiver's name, and counts by verdict", async () => {
    const bad: BodyLine = { kind: "text", line: 3, text: "{}" };
    expect(await sink.store([...linesOf("a", "b"), bad], sender, forever)).toMatchObject({
      accepted: 2,
      quarantined: 1,
    });
    expect(await sink.store(linesOf("a", "c"), sender, forever)).toMatchObject({ accepted: 1, duplicates: 1 });
    const entry = JSON.parse(Buffer.from((await real.entry("main", 2)) ?? []).toString()) as unknown;
    expect(entry).toMatchObject({ kind: "quarantine", quarantine: { key: sender.name, tenant: "default" } });
    expect(await metrics.text()).toContain('evident_receiver_lines_total{receiver="syslog",status="stored"} 3');
  });

  it("does not let a record speak for another source than the receiver's", async () => {
    const other = { ...sender, source: "hosts" };
    expect(await sink.store(linesOf("d"), other, forever)).toMatchObject({ accepted: 0, quarantined: 1 });
  });

  it("waits while the disk is behind, and tries again what was refused for now", async () => {
    const before = size();
    pressure = { kind: "busy", pendingBytes: 1, retryAfterSeconds: 1 };
    refusals = [new EvidentError("overloaded", "behind"), new EvidentError("overloaded", "behind")];
    const stored = sink.store(linesOf("e"), sender, forever);
    await sleep(150);
    expect(size()).toBe(before);
    pressure = undefined;
    expect(await stored).toMatchObject({ accepted: 1 });
    expect([size(), refusals.length]).toEqual([before + 1, 0]);
  });

  it("gives up when it is told to stop, and at once when the disk has failed", async () => {
    pressure = { kind: "full", detail: "" };
    const stop = new AbortController();
    const waiting = sink.store(linesOf("f"), sender, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "not_ready" });
    pressure = undefined;
    refusals = [new EvidentError("storage_failed", "gone")];
    await expect(sink.store(linesOf("f"), sender, forever)).rejects.toMatchObject({ code: "storage_failed" });
  });
});
