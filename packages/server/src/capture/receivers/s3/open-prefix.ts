import type { S3Receiver } from "../../../config/index.ts";
import type { BodyLimits } from "../../body-line.ts";
import { receiverFormat } from "../format.ts";
import type { ReceiverLog } from "../receiver-log.ts";
import type { ReceiverEvents, Sender, Sink } from "../sink.ts";
import { openBucket } from "./bucket.ts";
import { doneObjects, type ObjectState, objectsRead } from "./object-state.ts";
import { PrefixPoller } from "./prefix-poller.ts";

/** Keeps what was read, as statements in `evident`. */
export interface ObjectLedger {
  state(): ObjectState;
  /** Resolves when the statement is durable and the state has it. */
  append(statement: ReturnType<typeof objectsRead>): Promise<unknown>;
}

/** What an S3 receiver is opened with. */
export interface PrefixOptions {
  readonly receiver: S3Receiver;
  /** In the configuration: `receivers.s3[0]`. */
  readonly name: string;
  readonly tenant: string;
  readonly limits: BodyLimits;
  readonly ledger: ObjectLedger;
  readonly sink: Sink;
  readonly events: ReceiverEvents;
  readonly log: ReceiverLog;
  readonly nowMs: () => number;
}

/**
 * Begins to read the objects under a prefix, each once. What was read is stated in `evident`: a start goes on where the last run was.
 *
 * @throws EvidentError `config_invalid` that names the key
 */
export async function openPrefix(options: PrefixOptions): Promise<{ close(): Promise<void> }> {
  const { receiver, name, tenant, ledger, sink, events, log, nowMs, limits } = options;
  const { bucket: bucketName, prefix, trail, source, endpoint, startAfter = "", everySeconds } = receiver;
  const format = receiverFormat(name, receiver);
  const place = `${endpoint === undefined ? "" : `${endpoint.replace(/\/$/, "")}/`}${bucketName}/${prefix}`;
  const sender: Sender = { receiver: "s3", name: `s3 ${bucketName}/${prefix}`.slice(0, 256), trail, tenant, source };
  const id = `${place} ${trail} ${source}`;
  const bucket = await openBucket(receiver);
  const poller = new PrefixPoller({
    bucket,
    bucketName,
    format,
    limits,
    sender,
    sink,
    onBytes: (sizeBytes) => events.bytes("s3", sizeBytes),
    nowMs,
    prefix,
    startAfter,
    everyMs: everySeconds * 1_000,
    progress: {
      done: () => doneObjects(ledger.state(), id),
      note: async (beforeMs, objects) => void (await ledger.append(objectsRead(id, beforeMs, objects))),
    },
    events,
    log,
  });
  poller.start();
  log.info({ receiver: name, bucket: bucketName, prefix, trail, source, everySeconds }, "reading objects");
  return {
    async close() {
      await poller.close();
      bucket.close();
    },
  };
}
