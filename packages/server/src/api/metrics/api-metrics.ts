import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Ledger } from "../../ledger/index.ts";
import type { Reconciliation, Search } from "../../search/index.ts";

const RECONCILE_EVERY_MS = 10_000;
const COMMIT_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the gauges read when Prometheus asks. */
export interface MetricSources {
  readonly ledger: Ledger;
  readonly search: Search;
}

/** Records by verdict. */
export interface ReceivedCounts {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly skipped: number;
}

/**
 * The server's numbers in Prometheus' text format. No label carries a trail, tenant or key: cardinality stays fixed, and the page says
 * nothing about who uses the server.
 */
export class ApiMetrics {
  readonly #registry = new Registry();
  readonly #sources: MetricSources;
  readonly lines: Counter<"status">;
  readonly ingestBytes: Counter;
  readonly refusedIngests: Counter<"why">;
  readonly receiverLines: Counter<"receiver" | "status">;
  readonly receiverBytes: Counter<"receiver">;
  readonly receiverConnections: Gauge<"receiver">;
  readonly receiverLosses: Counter<"receiver" | "why">;
  readonly receiverObjects: Counter<"status">;
  readonly commitSeconds: Histogram;
  readonly requestSeconds: Histogram<"method" | "route" | "status">;
  readonly openIngests: Gauge;
  readonly openTails: Gauge;
  readonly openExports: Gauge;
  readonly exportedEntries: Counter;
  readonly droppedClients: Counter<"why">;
  readonly alarms: Counter<"kind">;
  #reconciled: { readonly atMs: number; readonly verdict: Promise<Reconciliation> } | undefined;

  constructor(sources: MetricSources) {
    this.#sources = sources;
    const registers = [this.#registry];
    const counter = <Name extends string = never>(name: string, help: string, labelNames: Name[] = []): Counter<Name> =>
      new Counter({ name: `evident_${name}`, help, labelNames, registers });
    const gauge = (name: string, help: string): Gauge => new Gauge({ name: `evident_${name}`, help, registers });
    this.lines = counter("ingest_lines_total", "Lines taken by POST /v1/events, by verdict.", ["status"]);
    this.ingestBytes = counter(
      "ingest_body_bytes_total",
      "Bytes of bodies of POST /v1/events as received, before decompression.",
    );
    this.refusedIngests = counter("ingest_refused_total", "Bodies of POST /v1/events refused before they were read.", [
      "why",
    ]);
    this.receiverLines = counter("receiver_lines_total", "Records taken by receivers, by receiver and verdict.", [
      "receiver",
      "status",
    ]);
    this.receiverBytes = counter("receiver_bytes_total", "Bytes received by receivers, before decompression.", [
      "receiver",
    ]);
    this.receiverConnections = new Gauge({
      name: "evident_receiver_connections",
      help: "Open connections of receivers.",
      labelNames: ["receiver"],
      registers,
    });
    this.receiverLosses = counter(
      "receiver_losses_total",
      "What receivers know that they lost, by receiver and reason.",
      ["receiver", "why"],
    );
    this.receiverObjects = counter("receiver_objects_total", "Objects of S3 prefixes, by what became of them.", [
      "status",
    ]);
    this.commitSeconds = new Histogram({
      name: "evident_commit_seconds",
      help: "Time from the oldest entry of a batch to its being durable.",
      buckets: COMMIT_BUCKETS,
      registers,
    });
    this.requestSeconds = new Histogram({
      name: "evident_http_request_seconds",
      help: "Time to answer, by route.",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      registers,
    });
    this.openIngests = gauge("ingest_open", "Bodies of POST /v1/events being read now.");
    this.openTails = gauge("tail_open", "Open streams of GET /v1/tail.");
    this.openExports = gauge("export_open", "Exports under way.");
    this.exportedEntries = counter("exported_entries_total", "Entries written by GET /v1/export.");
    this.droppedClients = counter("clients_dropped_total", "Streamed answers ended because their reader stopped.", [
      "why",
    ]);
    this.alarms = counter("alarms_total", "Alarms of the ledger, by kind.", ["kind"]);
    this.#addLedgerMetrics();
    this.#addIndexMetrics();
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts what a receiver's records came to. */
  receivedLines(receiver: string, counts: ReceivedCounts): void {
    this.receiverLines.inc({ receiver, status: "stored" }, counts.accepted);
    this.receiverLines.inc({ receiver, status: "duplicate" }, counts.duplicates);
    this.receiverLines.inc({ receiver, status: "quarantined" }, counts.quarantined);
    this.receiverLines.inc({ receiver, status: "skipped" }, counts.skipped);
  }

  /** Index against ledger by count, at most once in ten seconds. */
  reconciled(): Promise<Reconciliation> {
    const nowMs = performance.now();
    if (this.#reconciled === undefined || nowMs - this.#reconciled.atMs > RECONCILE_EVERY_MS) {
      this.#reconciled = { atMs: nowMs, verdict: this.#sources.search.reconcile({ full: false }) };
    }
    return this.#reconciled.verdict;
  }

  #addLedgerMetrics(): void {
    const { ledger } = this.#sources;
    this.#mirror("ledger_commits_total", "Records written to the log and synced.", () => ledger.counters().commits);
    this.#mirror("ledger_entries_total", "Entries made durable since the start.", () => ledger.counters().entries);
    this.#mirror("ledger_bytes_total", "Bytes written to the log since the start.", () => ledger.counters().bytes);
    this.#mirror(
      "ledger_fsyncs_total",
      "fdatasync and fsync calls of the log since the start.",
      () => ledger.counters().fsyncs,
    );
    this.#mirror("ledger_publishes_total", "Checkpoints signed since the start.", () => ledger.counters().publishes);
    this.#gauge("ledger_wal_bytes", "Size of the write-ahead log.", () => ledger.counters().walBytes);
    this.#gauge("ledger_pending_bytes", "Bytes of entries that wait for the disk.", () => {
      const pressure = ledger.pressure();
      return pressure.kind === "full" ? 0 : pressure.pendingBytes;
    });
    this.#gauge("ledger_full", "1 while the disk is full.", () => (ledger.pressure().kind === "full" ? 1 : 0));
    this.#gauge("ledger_clock_holding", "1 while `received` does not follow the wall clock.", () =>
      ledger.clock().kind === "holding" ? 1 : 0,
    );
    this.#gauge("ledger_unpublished_entries", "Durable entries that no checkpoint covers yet, over all trails.", () =>
      ledger.trails().reduce((sum, { size, publishedSize }) => sum + size - publishedSize, 0),
    );
    this.#gauge("ledger_trails", "Number of trails.", () => ledger.trails().length);
  }

  #addIndexMetrics(): void {
    const { ledger, search } = this.#sources;
    this.#gauge("index_lag_entries", "Durable entries that cannot be searched yet, over all trails.", () =>
      indexLag(ledger, search),
    );
    const sum = (pick: (trail: Reconciliation["trails"][number]) => number) => async (): Promise<number> =>
      (await this.reconciled()).trails.reduce((total, trail) => total + pick(trail), 0);
    this.#gauge(
      "index_missing_entries",
      "Entries that the index should hold and does not.",
      sum((trail) => trail.missing),
    );
    this.#gauge(
      "index_mismatched_entries",
      "Entries that the index holds otherwise than the ledger.",
      sum((trail) => trail.mismatched),
    );
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge = new Gauge({
      name: `evident_${name}`,
      help,
      registers: [],
      async collect() {
        this.set(await read());
      },
    });
    this.#registry.registerMetric(gauge);
  }

  /** A counter that another part keeps. */
  #mirror(name: string, help: string, read: () => number): void {
    const counter = new Counter({
      name: `evident_${name}`,
      help,
      registers: [],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
    this.#registry.registerMetric(counter);
  }
}

/** Durable entries of all trails that the index has not seen. */
export function indexLag(ledger: Ledger, search: Search): number {
  const indexed = search.indexed();
  return ledger.trails().reduce((sum, { name, size }) => sum + Math.max(0, size - (indexed[name] ?? 0)), 0);
}
