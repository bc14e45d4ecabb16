import type { IncomingMessage } from "node:http";
import { EvidentError, type Problem } from "@evident/core";
import type { TrailInfo } from "../../ledger/index.ts";
import { type ApiContext, producerOf } from "../app/index.ts";
import type { Grant } from "../auth/index.ts";
import { RetryError } from "../problems/index.ts";
import type { AdaptedLines } from "./adapted-body.ts";
import { type BodyPace, IncomingBody } from "./incoming-body.ts";
import { type CheckedChunk, ingestBody } from "./ingest-body.ts";
import type { IngestGate } from "./ingest-gate.ts";
import { Summary } from "./verdict.ts";

/** A body that another program's protocol sends: it is told only that all of it is durable, or that it should send all of it again. */
export interface ReceivedBody {
  readonly context: ApiContext;
  readonly gate: IngestGate;
  readonly pace: BodyPace;
  readonly request: IncomingMessage;
  readonly grant: Grant;
  readonly trail: TrailInfo;
  /** Label of the metrics. */
  readonly receiver: "kubernetes" | "otlp";
  readonly read: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<AdaptedLines>;
}

/** What a received body came to. */
export interface Received {
  readonly summary: Summary;
  /** Of the first record in quarantine. */
  readonly reason: Problem | undefined;
}

/** Seconds after which a body that broke off on the way may be sent again. */
const RETRY_SECONDS = 1;

/**
 * Reads a body to its end and stores it; resolves when every record is durable, as an event or in quarantine.
 *
 * @throws EvidentError why it is not; records before that may be stored, and are known again when the body is sent again
 */
export async function receiveBody(received: ReceivedBody): Promise<Received> {
  const { context, gate, grant, trail, receiver } = received;
  if (context.stopping.aborted) throw new EvidentError("not_ready", "the server is stopping");
  const leave = gate.enter();
  const body = new IncomingBody(received.request, received.pace);
  const summary = new Summary(trail.name);
  const producer = producerOf(grant, trail);
  let reason: Problem | undefined;
  let failure: EvidentError | undefined;
  const chunks = async function* (): AsyncGenerator<CheckedChunk> {
    for await (const { lines, skipped } of received.read(body.chunks())) {
      summary.skipped += skipped;
      if (lines.length > 0) yield { shape: "lines", lines: await context.checker.check(lines, producer) };
    }
  };
  try {
    const steps = ingestBody({
      ledger: context.ledger,
      gate,
      trail: trail.name,
      chunks: chunks(),
      quarantineConflicts: (conflicts) => context.checker.quarantineConflicts(conflicts, producer),
      onDuplicate: (name, source) => context.sources.noteDuplicate(name, source),
      receipts: false,
      whyStop: () =>
        context.authenticator.isValid(grant)
          ? undefined
          : new EvidentError("unauthenticated", "the key was revoked or has expired"),
      stopReading: () => body.stop(),
    });
    for await (const step of steps) {
      if (step.kind === "failed") failure ??= step.error;
      else {
        for (const { status, reasons } of step.verdicts) {
          summary.add(status);
          reason ??= reasons?.[0];
        }
      }
    }
  } finally {
    leave();
    context.metrics.receivedLines(receiver, summary);
    context.metrics.receiverBytes.inc({ receiver }, body.sizeBytes);
  }
  if (failure !== undefined) throw retryable(failure);
  return { summary, reason };
}

/** A body that came too slowly was meant to come whole: it may be sent again. */
function retryable(failure: EvidentError): EvidentError {
  return failure.code === "too_slow" ? new RetryError(failure.message, RETRY_SECONDS) : failure;
}
