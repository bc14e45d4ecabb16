import { setImmediate } from "node:timers/promises";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { EvidentError } from "@evident/core";
import { checkEntries, countRows, UnitValues } from "./check-entries.ts";
import { EngineFailure, IndexDamage } from "./duck.ts";
import { IndexStore } from "./index-store.ts";
import { packLines, unpackLines } from "./line-pack.ts";
import type { Call, CallName, Calls, Failure, FromWorker, ToWorker, WorkerSettings } from "./messages.ts";
import { type Running, runQuery } from "./run-query.ts";
import { runStats } from "./run-stats.ts";

function failureOf(error: unknown): Failure {
  if (error instanceof EvidentError) {
    return { kind: "refused", code: error.code, message: error.message, fix: error.fix };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error instanceof IndexDamage) return { kind: "damage", message };
  return { kind: error instanceof EngineFailure ? "broken" : "failed", message };
}

/** Bytes of entries that are made searchable together when they come fast. */
const bytesTogether = 4 * 1_024 * 1_024;

const pause = (): Promise<void> => setImmediate();

/** The thread that alone opens the index: entries in, answers out. */
class SearchWorker {
  private readonly port: MessagePort;
  private readonly store: IndexStore;
  private readonly running = new Map<number, AbortController>();
  private readonly arrived: (ToWorker & { readonly kind: "entries" })[] = [];
  private readonly values = new UnitValues();
  private indexing: Promise<void> | undefined;
  private closing = false;

  constructor(port: MessagePort, store: IndexStore) {
    this.port = port;
    this.store = store;
    port.on("message", (message: ToWorker) => this.take(message));
    const { positions, numbers, lastDigests } = store;
    this.post({ kind: "opened", indexed: Object.fromEntries(positions), numbers, lastDigests });
  }

  private post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfer);
  }

  private take(message: ToWorker): void {
    switch (message.kind) {
      case "entries":
        this.arrived.push(message);
        this.indexing ??= this.index().catch((error: unknown) => fail(this.port, error));
        return;
      case "call":
        void this.answer(message);
        return;
      case "abort":
        this.running.get(message.id)?.abort();
        return;
      case "close":
        void this.close().catch((error: unknown) => fail(this.port, error));
    }
  }

  private async index(): Promise<void> {
    const grown = new Set<string>();
    let bytes = 0;
    for (let next = this.arrived.shift(); next !== undefined && !this.closing; next = this.arrived.shift()) {
      const { trail, first, pack } = next;
      await this.store.append(trail, first, unpackLines(pack));
      grown.add(trail);
      bytes += pack.byteLength;
      // What comes in small pieces becomes searchable together while more of it waits.
      if (this.arrived.length > 0 && bytes < bytesTogether) continue;
      this.store.flush();
      const { positions, numbers } = this.store;
      const sizes = Object.fromEntries([...grown].map((name) => [name, positions.get(name) ?? 0]));
      this.post({ kind: "indexed", sizes, bytes, numbers });
      grown.clear();
      bytes = 0;
    }
    this.indexing = undefined;
  }

  private async answer(call: Call): Promise<void> {
    const abort = new AbortController();
    this.running.set(call.id, abort);
    const lease = this.store.lease();
    try {
      const { value, transfer } = await answerOf(call, { lease, signal: abort.signal, pause }, this.values);
      this.post({ kind: "answer", id: call.id, value }, transfer);
    } catch (error) {
      const failure = failureOf(error);
      if (!this.closing) this.post({ kind: "refusal", id: call.id, failure });
    } finally {
      lease.release();
      this.running.delete(call.id);
    }
  }

  private async close(): Promise<void> {
    this.closing = true;
    for (const abort of this.running.values()) abort.abort();
    await this.indexing;
    while (this.running.size > 0) await pause();
    await this.store.close();
    this.port.close();
  }
}

interface Answered {
  readonly value: Calls[CallName]["answer"];
  readonly transfer: ArrayBuffer[];
}

async function answerOf(call: Call, running: Running, values: UnitValues): Promise<Answered> {
  const indexed = Object.fromEntries(running.lease.positions);
  switch (call.name) {
    case "query": {
      const { hits, cursor } = await runQuery(call.ask, running);
      const pack = packLines(hits.map(({ line }) => line));
      const places = hits.map(({ trail, index }) => ({ trail, index }));
      return { value: { pack, places, cursor, indexed }, transfer: [pack] };
    }
    case "stats":
      return { value: { ...(await runStats(call.ask, running)), indexed }, transfer: [] };
    case "count":
      return { value: { rows: await countRows(running), indexed }, transfer: [] };
    case "check": {
      const { trail, first, pack } = call.ask;
      return { value: await checkEntries({ trail, first, lines: unpackLines(pack) }, running, values), transfer: [] };
    }
  }
}

/** Tells why and ends the thread: the other side starts a new one, which catches up from the ledger. */
function fail(port: MessagePort, error: unknown): void {
  const message: FromWorker = { kind: "failed", failure: failureOf(error) };
  port.postMessage(message, []);
  port.close();
}

const port = parentPort;
if (port === null) throw new Error("search-worker runs as a worker");
const settings = workerData as WorkerSettings;
try {
  const store = await IndexStore.open({
    ...settings,
    pause,
    onSealed: () => port.postMessage({ kind: "sealed", numbers: store.numbers } satisfies FromWorker, []),
    onFailure: (error) => fail(port, error),
  });
  // oxlint-disable-next-line no-new
  new SearchWorker(port, store);
} catch (error) {
  fail(port, error);
}
