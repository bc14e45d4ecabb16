export { openReceivers, type Receivers, type ReceiversOptions } from "./open-receivers.ts";
export { objectFold } from "./s3/index.ts";
export type { ReceiverEvents, Sender, Sink, Stored } from "./sink.ts";
