import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** What a gzip file states as its content's length, modulo 2^32; undefined where it cannot be looked at. */
export function gzipLength(path: string): number | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(4);
    return size > 18 && readSync(descriptor, bytes, 0, 4, size - 4) === 4 ? bytes.readUInt32LE() : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
