import type { Config } from "../../config/index.ts";
import type { ReceiverLog } from "./receiver-log.ts";
import { type ObjectLedger, openPrefix } from "./s3/index.ts";
import type { ReceiverEvents, Sink } from "./sink.ts";
import { openSyslog } from "./syslog/index.ts";

/** What the receivers of a configuration are opened with. */
export interface ReceiversOptions {
  readonly config: Config;
  readonly sink: Sink;
  /** Where it is kept which objects were read. */
  readonly objects: ObjectLedger;
  readonly events: ReceiverEvents;
  readonly log: ReceiverLog;
  /** Unix ms that `received` follows. */
  readonly nowMs: () => number;
  /**
   * The tenant of a receiver's trail, which is made when it is missing and a tenant is named.
   *
   * @throws EvidentError `config_invalid` that names the key
   */
  readonly prepareTrail: (
    name: string,
    receiver: { readonly trail: string; readonly tenant?: string },
  ) => Promise<string>;
}

/** The receivers while they run. */
export interface Receivers {
  /** Where syslog is taken, with the ports that were taken, in the order of the configuration. */
  readonly syslogUrls: readonly string[];
  /** Takes no more, and stores what was read. */
  close(): Promise<void>;
}

/**
 * Opens every receiver of the configuration; what was opened is closed again when a later one fails.
 *
 * @throws EvidentError `config_invalid` that names the receiver's key
 */
export async function openReceivers(options: ReceiversOptions): Promise<Receivers> {
  const { config, sink, objects, events, log, nowMs, prepareTrail } = options;
  const running: { close(): Promise<void> }[] = [];
  const syslogUrls: string[] = [];
  const close = async (): Promise<void> => void (await Promise.all(running.map((each) => each.close())));
  try {
    for (const [i, receiver] of config.receivers.syslog.entries()) {
      const name = `receivers.syslog[${i}]`;
      const tenant = await prepareTrail(name, receiver);
      const opened = await openSyslog({ receiver, name, tenant, tls: config.tls, sink, events, log, nowMs });
      running.push(opened);
      syslogUrls.push(opened.url);
    }
    for (const [i, receiver] of config.receivers.s3.entries()) {
      const name = `receivers.s3[${i}]`;
      const tenant = await prepareTrail(name, receiver);
      const { limits } = config;
      running.push(await openPrefix({ receiver, name, tenant, limits, ledger: objects, sink, events, log, nowMs }));
    }
  } catch (cause) {
    await close();
    throw cause;
  }
  return { syslogUrls, close };
}
