import { join } from "node:path";
import { EvidentError } from "@evident/core";
import { type DestinationStream, pino } from "pino";
import { ApiMetrics, LedgerSink, openApi, receiverEvents } from "./api/index.ts";
import { objectFold, openReceivers } from "./capture/index.ts";
import { Checker, Vault } from "./check/index.ts";
import type { Config } from "./config/index.ts";
import type { Ledger } from "./ledger/index.ts";
import { indexDirectory, Opened, openStoreLedger, openStoreSearch, type StoreListener } from "./open-stores.ts";
import { SourceBook } from "./sources/index.ts";

/** What a server is opened with. */
export interface ServerOptions {
  readonly config: Config;
  readonly version: string;
  /** Value of `EVIDENT_BOOTSTRAP_KEY`. */
  readonly bootstrapKey: string | undefined;
  /** Where the server's own log goes, as JSON lines. */
  readonly logTo: DestinationStream;
}

/** A server while it runs. */
export interface Server {
  /** Where it listens, with the port that was taken. */
  readonly url: string;
  /** The administrator's key, when this start made one: for the terminal, once. */
  readonly madeKey: { readonly key: string; readonly file: string } | undefined;
  /** Resolves when the log's disk has failed: the process must end, and the next start recovers. */
  readonly failed: Promise<Error>;
  /** Where syslog is taken, with the ports that were taken, in the order of the configuration. */
  readonly syslogUrls: readonly string[];
  /** Reads certificate and key again. */
  reloadTls(): void;
  /** Finishes requests, publishes, writes the closing record and releases the data directory. */
  close(): Promise<void>;
}

/**
 * Joins the stages (DESIGN §2): ledger, vault, index and API over one data directory, listening when it resolves. What was opened is closed
 * again when a later stage fails.
 *
 * @throws EvidentError `config_invalid`, `store_in_use`, `corrupt_store`, `rolled_back`, `storage_full`, `storage_failed`
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  const opened = new Opened();
  try {
    return await openStages(options, opened);
  } catch (cause) {
    await opened.close();
    throw cause;
  }
}

async function openStages({ config, version, bootstrapKey, logTo }: ServerOptions, opened: Opened): Promise<Server> {
  const log = pino({ level: config.log.level, base: {}, timestamp: pino.stdTimeFunctions.isoTime }, logTo);
  let metrics: ApiMetrics | undefined;
  const listener: StoreListener = {
    log,
    onAlarm: (kind) => metrics?.alarms.inc({ kind }),
    onCommitted: (waitMs) => metrics?.commitSeconds.observe(waitMs / 1_000),
  };
  const ledger = await openStoreLedger(config, version, listener, opened);
  const vault = new Vault(config.vault);
  opened.add(() => vault.close());
  const search = await openStoreSearch(config, ledger, listener, opened);
  metrics = new ApiMetrics({ ledger, search });
  await makeFirstTrail(ledger);
  const sources = new SourceBook({
    ledger,
    path: join(indexDirectory(config), "sources.json"),
    onAlarm: (detail) => {
      listener.onAlarm("sources");
      log.warn({ alarm: "sources" }, detail);
    },
  });
  opened.add(() => sources.close());
  const checker = new Checker({ macKey: ledger.macKey, vault, nowMs: () => ledger.nowMs() });
  const api = await openApi({ config, version, ledger, search, checker, sources, metrics, log, bootstrapKey });
  opened.add(() => api.close());
  const objects = await ledger.openFold(objectFold);
  const receivers = await openReceivers({
    config,
    objects: { state: () => objects.state(), append: (statement) => ledger.appendStatement(statement) },
    sink: new LedgerSink({ ledger, checker, sources, metrics }),
    events: receiverEvents(metrics),
    log,
    nowMs: () => ledger.nowMs(),
    prepareTrail: (name, receiver) => prepareTrail(ledger, name, receiver),
  });
  opened.add(() => receivers.close());
  log.info({ url: api.url, data: config.data, version }, "serving");
  const { bootstrap } = api;
  return {
    url: api.url,
    madeKey: bootstrap.kind === "made" ? { key: bootstrap.key, file: bootstrap.file } : undefined,
    failed: ledger.failed,
    syslogUrls: receivers.syslogUrls,
    reloadTls: () => api.reloadTls(),
    close: () => opened.close(),
  };
}

/** A new store has a trail to write to, so that the first event needs no preparation. */
async function makeFirstTrail(ledger: Ledger): Promise<void> {
  if (ledger.trails().some(({ system }) => !system)) return;
  await ledger.createTrail({ name: "main", tenant: "default", by: "evident" });
}

/** The tenant of the trail that a receiver stores in. @throws EvidentError `config_invalid` */
async function prepareTrail(
  ledger: Ledger,
  name: string,
  { trail, tenant }: { readonly trail: string; readonly tenant?: string },
): Promise<string> {
  const refuse = (problem: string, fix: string): EvidentError =>
    new EvidentError("config_invalid", `\`${name}.trail\` ${trail} ${problem}`, { fix });
  const found = ledger.trail(trail);
  if (found?.system === true) throw refuse("is written by the server only", "Name a trail of your own.");
  if (found === undefined) {
    if (tenant === undefined)
      throw refuse("does not exist", `Set \`${name}.tenant\` to have it made, or name another.`);
    return (await ledger.createTrail({ name: trail, tenant, by: "evident" })).tenant;
  }
  if (tenant === undefined || tenant === found.tenant) return found.tenant;
  throw refuse(
    `belongs to the tenant ${found.tenant}`,
    `Correct or leave out \`${name}.tenant\`, or name another trail.`,
  );
}
