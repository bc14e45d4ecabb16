import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** A file of complete lines, oldest first. `readAt` is where the first line without a verdict begins. */
export interface Segment {
  readonly path: string;
  readonly folder: string;
  readonly number: number;
  /** Found, not written by this client: its last line may be torn, its lines may be damaged. */
  readonly isFound: boolean;
  /** Bytes of complete lines. */
  sizeBytes: number;
  readAt: number;
}

/** Name of a segment's file; names sort as their numbers. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, "0")}.ndjson`;
}

/** The number in a segment's name; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const digits = /^(\d{8})\.ndjson$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The segment that is being written. */
export class SegmentWriter {
  readonly fd: number;
  readonly segment: Segment;

  constructor(folder: string, path: string, number: number) {
    this.fd = openSync(path, "ax", 0o600);
    this.segment = { path, folder, number, isFound: false, sizeBytes: 0, readAt: 0 };
  }

  /**
   * Appends one line; when this returns, it outlives the process.
   *
   * @throws the file system's error; nothing of the line stays then
   */
  append(line: string, sizeBytes: number): void {
    const before = this.segment.sizeBytes;
    try {
      const written = writeSync(this.fd, line);
      // A full disk takes a part: what is left of it has to go, or the next line would be glued to it.
      if (written !== sizeBytes) throw new Error(`only ${written} of ${sizeBytes} bytes could be written`);
    } catch (cause) {
      ftruncateSync(this.fd, before);
      throw cause;
    }
    this.segment.sizeBytes = before + sizeBytes;
  }

  close(): void {
    closeSync(this.fd);
  }
}
