import type { RememberedHeads } from "./remembered-heads.ts";
import type { Report } from "./report.ts";
import type { VerifyProgress } from "./types.ts";
import type { TaskRunner } from "./worker-pool.ts";

/** What every part of the verification of a directory works with. */
export interface StoreContext {
  readonly dataDir: string;
  readonly runner: TaskRunner;
  readonly report: Report;
  readonly remembered: RememberedHeads | undefined;
  /** Trusted genesis keys of `evident`; undefined: the store's own statement is taken. */
  readonly trustedKeys: readonly string[] | undefined;
  readonly onProgress: (progress: VerifyProgress) => void;
}
