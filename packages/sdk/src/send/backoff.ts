import type { SendFailure } from "./send-lines.ts";

const FIRST_MS = 250;

/**
 * How long to wait before the next try: between half and all of 250 ms doubled with each failure in a row up to `mostMs`, so that many
 * clients of one server do not come back at the same moment; never less than the server asked for.
 *
 * @param random between 0 and 1
 */
export function backoffMs(failure: SendFailure, failures: number, mostMs: number, random: number): number {
  const fullMs = Math.min(mostMs, FIRST_MS * 2 ** Math.min(20, failures - 1));
  const jitteredMs = fullMs * (0.5 + random / 2);
  return failure.waitMs === undefined ? jitteredMs : failure.waitMs + random * FIRST_MS;
}
