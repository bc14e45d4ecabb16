import type { Problem } from "@evident/core";
import type { Reading } from "./adapt-stream.ts";

/**
 * A record that an adapter could not read, as it is submitted in place of an event. It goes to quarantine with its bytes, once: `id`
 * names it within its source.
 */
export interface Unreadable {
  readonly v: 1;
  readonly id: string;
  readonly origin?: { readonly source?: string };
  readonly unreadable: {
    /** The format it was read as; absent when none was recognised. */
    readonly adapter?: string;
    /** The record: `text` when it is UTF-8, else base64 of its bytes. */
    readonly text?: string;
    readonly base64?: string;
    /** Where it stood in the sender's input, from 1. */
    readonly line?: number;
    /** Whole length when only the beginning is sent. */
    readonly sizeBytes?: number;
    readonly reasons: readonly Problem[];
  };
}

/** What is sent for a reading, one line of JSON; undefined for what is not kept. */
export type Submission = string | undefined;

/** The line to submit for a reading: an event, or an unreadable record. `source`: as for the `AdaptStream`. */
export function toSubmission(reading: Reading, source?: string): Submission {
  if (reading.kind === "event") return reading.json;
  if (reading.kind !== "unreadable") return undefined;
  const { key, adapter, line, raw, sizeBytes, reasons } = reading;
  const content =
    typeof raw === "string" ? { text: raw.toWellFormed() } : { base64: Buffer.from(raw).toString("base64") };
  const size = sizeBytes === undefined ? {} : { sizeBytes };
  const unreadable: Unreadable = {
    v: 1,
    id: key,
    ...(source === undefined ? {} : { origin: { source } }),
    unreadable: { ...(adapter === undefined ? {} : { adapter }), ...content, line, ...size, reasons },
  };
  return JSON.stringify(unreadable);
}
