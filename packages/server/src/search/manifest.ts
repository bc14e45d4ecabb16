import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { indexVersion } from "./columns.ts";
import { replaceFile } from "./durable-file.ts";

/** Entries `[first, end)` of a trail, with the digest of the last one: whether the ledger still is the same. */
export interface RecordedSpan {
  readonly first: number;
  readonly end: number;
  readonly last: string;
}

/** What the manifest says of a sealed segment; times are nanoseconds as decimal text. */
export interface SegmentRecord {
  readonly number: number;
  readonly rows: number;
  /** Length of the file of tables. */
  readonly tableBytes: number;
  readonly minTimeNs: string;
  readonly maxTimeNs: string;
  readonly oddTimes: number;
  readonly trails: Readonly<Record<string, RecordedSpan>>;
  /** Rows per column number whose value has the overflow code; columns without any are left out. */
  readonly overflow: Readonly<Record<string, number>>;
}

/**
 * Which files make up the index, oldest first. Replaced as a whole, so that at every moment each entry is in one of
 * them or not indexed; files it does not name are left-overs of an interrupted step.
 */
export interface Manifest {
  readonly version: number;
  readonly segments: readonly SegmentRecord[];
}

const fileName = "manifest.json";

/** Files of a segment. */
export function segmentFiles(dir: string, number: number): { readonly tables: string; readonly lines: string } {
  const stem = join(dir, `segment-${String(number).padStart(8, "0")}`);
  return { tables: `${stem}.duckdb`, lines: `${stem}.lines` };
}

/** SHA-256 of a stored line, as hex. */
export function digestOf(line: Uint8Array): string {
  return hash("sha256", line);
}

/** Reads the manifest; undefined when there is none, or it is of another version, or damaged. */
export async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    const [check, body = ""] = (await readFile(join(dir, fileName), "utf8")).split("\n");
    if (check !== digestOf(Buffer.from(body))) return undefined;
    const manifest = JSON.parse(body) as Manifest;
    return manifest.version === indexVersion ? manifest : undefined;
  } catch {
    // Missing or damaged comes to the same: the index is rebuilt from the ledger.
    return undefined;
  }
}

/** Replaces the manifest durably: a line with the digest of the next, which is JSON. */
export async function writeManifest(dir: string, segments: readonly SegmentRecord[]): Promise<void> {
  const manifest: Manifest = { version: indexVersion, segments };
  const body = JSON.stringify(manifest);
  await replaceFile(dir, fileName, `${digestOf(Buffer.from(body))}\n${body}\n`);
}
