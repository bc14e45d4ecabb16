import type { EventDraft } from "./access-event.ts";

/** Why an event was not accepted. */
export type Refusal = "full" | "closed" | "invalid" | "too_large" | "storage_failed";

/**
 * What became of an event. `accepted`: it will reach the server, as far as the client promises; `dropped`: the store was full and the
 * policy says to drop, which leaves a hole in the sequence numbers; `refused`: nothing happened.
 */
export type Recorded =
  | { readonly kind: "accepted"; readonly id: string; readonly seq: number }
  | { readonly kind: "dropped"; readonly seq: number }
  | { readonly kind: "refused"; readonly why: Refusal; readonly message: string };

/** An access that has begun and whose outcome is not known yet. Its id and beginning are fixed. */
export interface OpenAccess {
  readonly id: string;
  readonly begunMs: number;
  /** Records it. `time.occurred` is its beginning unless the draft says otherwise. Once only; later calls are refused as `closed`. */
  record(draft: EventDraft): Recorded;
  /** Forgets it: nothing was worth recording. */
  abandon(): void;
}

/** What middleware needs of a client. */
export interface Recorder {
  record(draft: EventDraft): Recorded;
  /** @param what a word or two for the report of an access that never ended, for example the HTTP method */
  begin(what: string): OpenAccess;
  /** Keyed digest of a value; undefined where the client has no `digestKey`. */
  digest(value: unknown): string | Promise<string> | undefined;
  /** Set where events are only in memory: sends them. Middleware hands this to the runtime's `waitUntil`. */
  readonly drain?: () => Promise<unknown>;
}
