import { EvidentError, normalInstant } from "@evident/core";
import { FieldsError } from "../problems/index.ts";

const PART = /^(?<trail>[a-z][a-z0-9-]{0,62}):(?<size>\d{1,15})$/;

/**
 * What an export is of, whenever it is asked for again: the entries of each trail below a size, with relative times taken from one moment.
 */
export interface Snapshot {
  /** Unix ms. */
  readonly nowMs: number;
  readonly sizes: ReadonlyMap<string, number>;
}

/** `2026-03-01T08:30:00.000Z,main:1000,other:5`: goes out in a header and comes back as a parameter. */
export function formatSnapshot({ nowMs, sizes }: Snapshot): string {
  return [new Date(nowMs).toISOString(), ...[...sizes].map(([trail, size]) => `${trail}:${size}`)].join(",");
}

/** @throws FieldsError for anything that `formatSnapshot` did not write */
export function parseSnapshot(text: string): Snapshot {
  const [time = "", ...parts] = text.split(",");
  const nowMs = normalInstant(time) === undefined ? Number.NaN : Date.parse(time);
  const sizes = new Map<string, number>();
  for (const part of parts) {
    const found = PART.exec(part)?.groups;
    sizes.set(found?.["trail"] ?? "", Number(found?.["size"] ?? Number.NaN));
  }
  if (!Number.isSafeInteger(nowMs) || sizes.size !== parts.length || [...sizes.values()].some(Number.isNaN)) {
    const problem = "is none that an export has given";
    throw new FieldsError(`snapshot ${problem}`, [
      { field: "snapshot", problem, fix: "Send `evident-export-snapshot` as it came, or leave it out to begin anew." },
    ]);
  }
  return { nowMs, sizes };
}

/** The place of an entry, `main:17`. @throws EvidentError `bad_request` */
export function parsePlace(text: string): { readonly trail: string; readonly index: number } {
  const found = PART.exec(text)?.groups;
  const trail = found?.["trail"];
  if (trail !== undefined) return { trail, index: Number(found?.["size"]) };
  throw new EvidentError("bad_request", `after is ${JSON.stringify(text.slice(0, 80))}`, {
    fix: "Give the last entry that has arrived as <trail>:<index>.",
  });
}
