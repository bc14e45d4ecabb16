import type { Config, SyslogReceiver } from "../../../config/index.ts";
import { Delivery } from "../delivery.ts";
import { receiverFormat } from "../format.ts";
import type { ReceiverLog } from "../receiver-log.ts";
import type { ReceiverEvents, Sender, Sink } from "../sink.ts";
import type { ListenerParts } from "./listener.ts";
import { listenTcp, type TlsFiles } from "./tcp-listener.ts";
import { listenUdp } from "./udp-listener.ts";

/** How long a stop waits for what was read to be stored. */
const FINISH_MS = 10_000;

/** What a syslog receiver is opened with. */
export interface SyslogOptions {
  readonly receiver: SyslogReceiver;
  /** In the configuration: `receivers.syslog[0]`. */
  readonly name: string;
  /** Tenant of its trail. */
  readonly tenant: string;
  /** The server's own files, for receivers without. */
  readonly tls: Config["tls"];
  readonly sink: Sink;
  readonly events: ReceiverEvents;
  readonly log: ReceiverLog;
  readonly nowMs: () => number;
}

/** A syslog receiver while it runs. */
export interface RunningSyslog {
  /** `udp://127.0.0.1:5514`, with the port that was taken. */
  readonly url: string;
  /** Takes no more, and stores what was read. */
  close(): Promise<void>;
}

/**
 * Takes syslog on one address, until it is closed. UDP and TCP acknowledge nothing: what was read is stored in order as fast as the ledger
 * takes it, TCP senders are held back while it is behind, datagrams are dropped and counted.
 *
 * @throws EvidentError `config_invalid` that names the key
 */
export async function openSyslog(options: SyslogOptions): Promise<RunningSyslog> {
  const { receiver, name, sink, events, log, nowMs } = options;
  const { listen, trail, source } = receiver;
  const format = receiverFormat(name, receiver);
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  const urlOf = (port: number): string => `${listen.transport}://${host}:${port}`;
  const sender: Sender = {
    receiver: "syslog",
    name: `syslog ${urlOf(listen.port)}`,
    trail,
    tenant: options.tenant,
    source,
  };
  const delivery = new Delivery(sink, sender, log);
  const parts: ListenerParts = { name, listen, format, sender, sink, delivery, events, log, nowMs };
  const listener = listen.transport === "udp" ? await listenUdp(parts) : await listenTcp(parts, tlsFiles(options));
  const url = urlOf(listener.port);
  log.info({ receiver: name, url, trail, source }, "taking syslog");
  return {
    url,
    async close() {
      await listener.close();
      const unstored = await delivery.finish(FINISH_MS);
      if (unstored > 0) events.lost("syslog", "stop", unstored);
    },
  };
}

function tlsFiles({ receiver, tls }: SyslogOptions): TlsFiles | undefined {
  if (receiver.listen.transport !== "tls") return undefined;
  const { cert = tls?.cert ?? "", key = tls?.key ?? "", ca } = receiver;
  return { cert, key, ca };
}
