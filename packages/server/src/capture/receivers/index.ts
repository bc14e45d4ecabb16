export { openReceivers, type Receivers, type ReceiversOptions } from "./open-receivers.ts";
export type { ReceiverEvents, Sender, Sink, Stored } from "./sink.ts";
