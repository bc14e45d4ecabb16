import type { SyslogListen } from "../../../config/index.ts";
import type { ReceiverLog } from "../receiver-log.ts";
import type { ReceiverEvents } from "../sink.ts";
import type { ReaderParts } from "./message-reader.ts";

/** Of one message. RFC 5424 asks for 2,048 bytes, and senders cut theirs at 8 KiB unless told otherwise. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** What a listener works with. */
export interface ListenerParts extends ReaderParts {
  /** In the configuration: `receivers.syslog[0]`. */
  readonly name: string;
  readonly listen: SyslogListen;
  readonly events: ReceiverEvents;
  readonly log: ReceiverLog;
}

/** An address while syslog is taken on it. */
export interface SyslogListener {
  readonly port: number;
  /** Takes no more; resolves when everything that was read is on its way to the sink. */
  close(): Promise<void>;
}
