import type { ExportedEntry } from "@evident/core";
import type { WrittenFile } from "./partial-file.ts";

/** What came of an export. `notes` tell what the format could not hold. */
export interface SinkResult extends WrittenFile {
  readonly notes: readonly string[];
}

/** Where exported entries go. Exactly one of `finish` and `discard` ends it. */
export interface EntrySink {
  write(entries: readonly ExportedEntry[]): Promise<void>;
  /** Nothing counts as exported before this resolves. */
  finish(): Promise<SinkResult>;
  /** Leaves nothing that looks whole. */
  discard(): Promise<void>;
}
