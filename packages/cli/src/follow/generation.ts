import type { LineRange } from "@evident/server";

/** A place between two lines of a file. */
export interface Position {
  /** Bytes of the unpacked content before it. */
  readonly offset: number;
  /** Number of the next line, from 1. */
  readonly line: number;
  /** Key of the record before it. */
  readonly key: string;
  /** Of the lines from there to `next`, those that had not come out; absent when none had. The others must not be read again. */
  readonly replay?: { readonly next: number; readonly waiting: readonly LineRange[] };
}

/** Bytes that were read, by which a file is known again. */
export interface Mark {
  /** Where the bytes end. For a head also their number. */
  readonly at: number;
  readonly digest: string;
}

/** What is kept of one run of a log's content, from the creation or truncation of its file until it has been read. */
export interface Generation {
  readonly id: number;
  /** Path that was written to, whatever the file is called now. */
  readonly log: string;
  /** Digest of its first line. */
  readonly firstLine: string;
  /** Where reading began: the beginning, or the end of a file that was to be read from its end. */
  readonly start: Position;
  /** Device and inode of the file that holds it; undefined while none is known. */
  file: string | undefined;
  /** Where that file was last seen. */
  path: string;
  head: Mark;
  /** Everything before has a verdict of the server. */
  position: Position;
  /** The last bytes that were read, stored or not; never before `position`. */
  read: Mark;
  /** What may have been sent beyond `position`: it is read again with the same clock, so that it is the same. */
  ahead: { readonly offset: number; readonly atMs: number } | undefined;
  /** Offsets at which the content was cut although more might come: waiting records were ended, an unfinished line taken as it was. */
  cuts: readonly number[];
  /** It was there before following began, and is not wanted. */
  readonly isIgnored: boolean;
  seenBytes: number;
  seenMs: number;
}
