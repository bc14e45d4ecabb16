import type { Problem } from "../errors/index.ts";

const QUIET_MS = 60_000;

/** Warns through `process.emitWarning`, each code at most once a minute. */
export function warnOfProblems(): (problem: Problem) => void {
  const lastMs = new Map<string, number>();
  return ({ code, message, fix }) => {
    const nowMs = Date.now();
    if (nowMs - (lastMs.get(code) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
    lastMs.set(code, nowMs);
    process.emitWarning(`${message}. ${fix}`, { type: "EvidentWarning", code: `evident_${code}` });
  };
}
