import type { RememberedHeads } from "../remembered-heads.ts";
import type { Report } from "../report.ts";
import type { VerifyProgress } from "../types.ts";
import type { TaskRunner } from "../worker-pool.ts";
import type { LogClient } from "./log-client.ts";

/** What every part of the verification of a server works with. */
export interface ServedContext {
  readonly client: LogClient;
  readonly runner: TaskRunner;
  readonly report: Report;
  readonly remembered: RememberedHeads | undefined;
  /** Trusted genesis keys by origin; undefined: the server's own statement is taken. */
  readonly trusted: ReadonlyMap<string, readonly string[]> | undefined;
  /** Those of the trusted keys that may be of `evident`; undefined: any. */
  readonly evidentKeys: readonly string[] | undefined;
  readonly onProgress: (progress: VerifyProgress) => void;
}
