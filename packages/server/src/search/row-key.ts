import { EvidentError } from "@evident/core";

/** Newest first, or oldest first. */
export type Order = "newest" | "oldest";

/** Place of a row in the one order of all rows: time, then trail, then index. */
export interface RowKey {
  readonly timeNs: bigint;
  readonly trail: string;
  readonly index: number;
}

/** Negative when `one` comes before `two` in the given order. */
export function compareKeys(one: RowKey, two: RowKey, order: Order): number {
  const sign = order === "oldest" ? 1 : -1;
  if (one.timeNs !== two.timeNs) return one.timeNs < two.timeNs ? -sign : sign;
  if (one.trail !== two.trail) return one.trail < two.trail ? -sign : sign;
  return (one.index - two.index) * sign;
}

const letters = { newest: "n", oldest: "o" } as const;
const cursorText = /^1([no])(-?\d{1,19}):(\d{1,16}):([a-z0-9-]{1,64})$/;
const maxCursor = 256;

/** The cursor that continues after a row. */
export function formatCursor({ timeNs, trail, index }: RowKey, order: Order): string {
  return Buffer.from(`1${letters[order]}${timeNs}:${index}:${trail}`).toString("base64url");
}

/**
 * Reads a cursor of a page in the same order.
 * @throws EvidentError `bad_request`
 */
export function parseCursor(cursor: string, order: Order): RowKey {
  const text = cursor.length <= maxCursor ? Buffer.from(cursor, "base64url").toString("latin1") : "";
  const found = cursorText.exec(text);
  const [, letter, time = "", index = "", trail = ""] = found ?? [];
  const timeNs = BigInt(found === null ? 0 : time);
  if (found === null || Buffer.from(text).toString("base64url") !== cursor || BigInt.asIntN(64, timeNs) !== timeNs) {
    throw new EvidentError("bad_request", "cursor is none that a page has given", {
      fix: "Send `cursor` as the page before gave it, or leave it out to begin anew.",
    });
  }
  if (letter !== letters[order]) {
    throw new EvidentError("bad_request", `cursor belongs to a page in the other order than ${order}`, {
      fix: "Keep `order` while paging.",
    });
  }
  return { timeNs, trail, index: Number(index) };
}
