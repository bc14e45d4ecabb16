import type { AccessEvent } from "./event-schema.ts";
import type { Problem } from "./problem.ts";

/** Why a record waits in quarantine. */
export type QuarantineWhy =
  | "malformed_json"
  | "invalid_event"
  | "conflict"
  | "source_mismatch"
  | "time_in_future"
  | "oversize"
  | "line_too_long"
  | "unreadable"
  | "invalid_utf8";

/** Body of a quarantine entry; the raw bytes are ciphertext in the blob the entry names. */
export interface QuarantineBody {
  readonly why: QuarantineWhy;
  /** Problems found, at most 20. */
  readonly reasons: readonly Problem[];
  readonly tenant: string;
  /** The API key that sent the record. */
  readonly key: string;
  /** The event's own id and source when they could be read; for `unreadable` the record's id, with which it is stored once. */
  readonly id?: string;
  readonly source?: string;
  /** For `unreadable`: the format it was read as. */
  readonly adapter?: string;
  /** Line in the request, or of the sender's input for `unreadable`; from 1. */
  readonly line: number;
  /** Length of the record as sent; `kept` is how much of it the blob holds when less. */
  readonly sizeBytes: number;
  readonly kept?: number;
  /** For `conflict`: where the first entry of the same identity lies. */
  readonly first?: { readonly trail: string; readonly index: number };
}

/** Names ciphertext by the base64 SHA-256 of its bytes. */
export interface BlobReference {
  readonly digest: string;
  readonly sizeBytes: number;
}

interface EntryCommon {
  readonly v: 1;
  /** Never decreases in a trail. */
  readonly received: string;
  /** First 16 bytes of an HMAC-SHA-256 of the submission as sent, base64url. */
  readonly sent: string;
  readonly rules?: string;
  readonly classes?: readonly string[];
  readonly changed?: readonly { readonly field: string; readonly how: string; readonly rule: string }[];
  readonly blob?: BlobReference;
}

/** What a trail stores at one index: an envelope around an event, a statement or a quarantine record. */
export type Entry =
  | (EntryCommon & { readonly kind: "event"; readonly event: AccessEvent })
  | (EntryCommon & { readonly kind: "quarantine"; readonly quarantine: QuarantineBody })
  | (EntryCommon & {
      readonly kind: "statement";
      readonly statement: { readonly type: string; readonly [key: string]: unknown };
    })
  | (EntryCommon & { readonly kind: "summary"; readonly summary: unknown });
