import { basename, dirname, join } from "node:path";

/** How a file is packed; `other`: by a program whose files cannot be read here. */
export type Packing = "none" | "gzip" | "zstd" | "other";

const packings: Readonly<Record<string, Packing>> = {
  gz: "gzip",
  zst: "zstd",
  bz2: "other",
  xz: "other",
  lz4: "other",
};
const PACKED = /\.(gz|zst|bz2|xz|lz4)$/;
/** What rotation adds to a name: `.1`, `-20261125`, `.2026-11-25`, `.20261125-101500`, `-1795600000`, `.old`. */
const ROTATED = /(?:\.\d{1,4}|[.-]\d{4}-?\d{2}-?\d{2}(?:[-T_.]?\d{2}(?:[-:]?\d{2}){0,2})?|[.-]\d{10}|\.old)$/;

/** What a file's name says about its place in a rotation. */
export interface LogName {
  /** Path of the file that is written to: `/var/log/nginx/access.log` for `access.log.2.gz` beside it. */
  readonly log: string;
  /** Whether the file is that one. */
  readonly isLive: boolean;
  readonly packing: Packing;
}

/** Reads a path. A name without anything that rotation adds is a log of its own, dates inside it included. */
export function parseLogName(path: string): LogName {
  const name = basename(path);
  const ending = PACKED.exec(name)?.[1];
  const unpacked = ending === undefined ? name : name.slice(0, -ending.length - 1);
  const bare = unpacked.replace(ROTATED, "");
  const base = bare === "" ? unpacked : bare;
  return { log: join(dirname(path), base), isLive: base === name, packing: packings[ending ?? ""] ?? "none" };
}
