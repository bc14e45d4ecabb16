import { join } from "node:path";
import type { Logger } from "pino";
import { identityReader } from "./check/index.ts";
import type { Config } from "./config/index.ts";
import { type Ledger, openLedger } from "./ledger/index.ts";
import { openSearch, type Search } from "./search/index.ts";

/** What happens inside the ledger and the index, for log and metrics. */
export interface StoreListener {
  readonly log: Logger;
  onAlarm(kind: string): void;
  onCommitted(waitMs: number): void;
}

/** What has been opened so far, closed in reverse. */
export class Opened {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}

/** The folder of everything that can be deleted and rebuilt from the trails. */
export function indexDirectory(config: Config): string {
  return join(config.data, "index");
}

/**
 * Opens the ledger of a data directory, which takes its lock.
 *
 * @throws EvidentError `store_in_use`, `corrupt_store`, `rolled_back`, `storage_full`, `storage_failed`
 */
export async function openStoreLedger(
  config: Config,
  version: string,
  listener: StoreListener,
  opened: Opened,
): Promise<Ledger> {
  const ledger = await openLedger({
    dataDir: config.data,
    keysDir: config.keys,
    originHost: config.originHost,
    version,
    ...config.ledger,
    maxPendingBytes: config.limits.pendingBytes,
    identityOf: identitiesOf(),
    onCommitted: (waitMs) => listener.onCommitted(waitMs),
    onAlarm: ({ kind, detail }) => {
      listener.onAlarm(kind);
      listener.log.warn({ alarm: kind }, detail);
    },
  });
  opened.add(() => ledger.close());
  return ledger;
}

/** Opens the index over a ledger; it catches up in the background. */
export async function openStoreSearch(
  config: Config,
  ledger: Ledger,
  listener: StoreListener,
  opened: Opened,
): Promise<Search> {
  const search = await openSearch({
    dir: indexDirectory(config),
    ledger,
    memoryBytes: config.search.memoryBytes,
    onAlarm: ({ kind, detail }) => {
      listener.onAlarm(`index_${kind}`);
      listener.log.warn({ alarm: `index_${kind}` }, detail);
    },
  });
  opened.add(() => search.close());
  return search;
}

/** The reader needs the store's MAC key, which is first known with the first line. */
function identitiesOf(): (line: Uint8Array, macKey: Uint8Array) => Uint8Array | undefined {
  let read: ((line: Uint8Array) => Uint8Array | undefined) | undefined;
  return (line, macKey) => {
    read ??= identityReader(macKey);
    return read(line);
  };
}
