import { rm } from "node:fs/promises";
import { type DestinationStream, pino } from "pino";
import type { Config } from "./config/index.ts";
import { indexDirectory, Opened, openStoreLedger, openStoreSearch, type StoreListener } from "./open-stores.ts";
import type { Reconciliation } from "./search/index.ts";

const PROGRESS_MS = 200;

/** What a rebuild of the index is given. */
export interface ReindexOptions {
  readonly config: Config;
  readonly version: string;
  readonly logTo: DestinationStream;
  /** Stops the rebuild; the next start of the server goes on with it. */
  readonly signal: AbortSignal;
  /** Entries indexed so far, of so many. */
  readonly onProgress: (done: number, total: number) => void;
}

function sum(sizes: Readonly<Record<string, number>>): number {
  return Object.values(sizes).reduce((total, size) => total + size, 0);
}

/**
 * Deletes everything that can be rebuilt (search index, identities) and rebuilds it from the trails alone, then compares index and ledger
 * by hash over every entry. The server must not be running. Opening the ledger is a start like any other and is stated in `evident`.
 *
 * @throws EvidentError `store_in_use` and those of the ledger; the signal's reason
 */
export async function reindex(options: ReindexOptions): Promise<Reconciliation> {
  const { config, version, signal, onProgress } = options;
  const log = pino({ level: config.log.level, base: {}, timestamp: pino.stdTimeFunctions.isoTime }, options.logTo);
  const listener: StoreListener = { log, onAlarm: () => undefined, onCommitted: () => undefined };
  // Opened twice: the first takes the lock, so that nobody's index is deleted under a running server.
  const first = new Opened();
  await openStoreLedger(config, version, listener, first);
  await first.close();
  await rm(indexDirectory(config), { recursive: true, force: true });
  const opened = new Opened();
  try {
    const ledger = await openStoreLedger(config, version, listener, opened);
    const search = await openStoreSearch(config, ledger, listener, opened);
    const sizes = Object.fromEntries(ledger.trails().map(({ name, size }) => [name, size]));
    const total = sum(sizes);
    const timer = setInterval(() => onProgress(Math.min(total, sum(search.indexed())), total), PROGRESS_MS);
    try {
      await search.waitIndexed(sizes, signal);
    } finally {
      clearInterval(timer);
    }
    signal.throwIfAborted();
    onProgress(total, total);
    return await search.reconcile({ full: true, signal });
  } finally {
    await opened.close();
  }
}
