import type { Problem } from "../errors/index.ts";
import type { EventDraft, Impact, OpenAccess, Recorded, Recorder } from "../event/index.ts";
import type { SendCounts } from "./sender.ts";

/** How far a client is. Counts are events since it was made. */
export interface Stats {
  /** This client's id: events carry it in `origin.nativeId`, before the sequence number. */
  readonly instance: string;
  readonly lastSeq: number;
  readonly accepted: number;
  readonly refused: number;
  readonly dropped: number;
  /** Accepted and without a verdict yet. */
  readonly waiting: number;
  /** Accesses that have begun and are not recorded yet. */
  readonly open: number;
  readonly sent: Readonly<SendCounts>;
  /** What was taken over from processes that are gone. */
  readonly adopted: { readonly writers: number; readonly events: number; readonly unfinished: number };
  readonly spoolBytes: number;
  /** Why the newest try to send failed; absent when it did not. */
  readonly failure?: Pick<Problem, "code" | "message" | "fix">;
}

/** Whether everything has its verdict, or how many events wait on. */
export type Flushed = { readonly kind: "flushed" } | { readonly kind: "waiting"; readonly events: number };

/**
 * Records accesses. One per process and spool folder is enough; more do not disturb each other.
 *
 * When `record` returns `accepted`, the event has been written to the operating system: it outlives the end of the process, also by
 * SIGKILL, and is sent by the next process that opens the spool. It outlives a power loss from `syncIntervalMs` later, or once `sync`
 * resolves. The server stores it once, however often it has to be sent.
 */
export interface Evident extends Recorder {
  /**
   * Records an access that is over. Synchronous, takes microseconds, never throws and never waits for the network.
   *
   * @returns `accepted`: it will be stored; `dropped` or `refused`: it will not, and why
   */
  record(draft: EventDraft): Recorded;
  /**
   * Records an access and resolves when it is durable on the disk: it then outlives a power loss as well. Calls at the same time share one
   * sync.
   *
   * @throws the file system's error when the disk cannot promise it
   */
  recordDurable(draft: EventDraft): Promise<Recorded>;
  /** Notes on the disk that an access has begun, so that the end of the process does not hide it; see `OpenAccess`. */
  begin(what: string): OpenAccess;
  /** Resolves when everything recorded before this call is durable on the disk. @throws the file system's error */
  sync(): Promise<void>;
  /**
   * Sends what waits and resolves when everything that was recorded before this call, or was found in the spool, has its verdict.
   *
   * @param options `timeoutMs`: how long at most; default 5,000. What then still waits stays in the spool and is sent on.
   */
  flush(options?: { readonly timeoutMs?: number }): Promise<Flushed>;
  /**
   * Sends what waits for at most `timeoutMs` (default 5,000), then takes no more events and gives up the spool's folder. What still waits
   * is on disk: the next process that opens the spool sends it. Call it last in the application's own shutdown; a second call waits for
   * the first.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<Flushed>;
  /** Counts, and what stands in the way. Costs nothing; suits a health check. */
  stats(): Stats;
  /** Keyed digest of a value: equal values have equal digests, and nobody without the key finds the value. Undefined without `digestKey`. */
  digest(value: unknown): string | undefined;
  /** What changed, for `impact`: names of the fields that differ and, with a `digestKey`, keyed digests of both values. */
  changes(before: unknown, after: unknown): Pick<Impact, "fields" | "before" | "after">;
  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
