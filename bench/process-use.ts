import { readFileSync } from "node:fs";

/** What another process has used so far. */
export interface ProcessUse {
  readonly cpuMs: number;
  /** Largest resident size so far. */
  readonly peakMiB: number;
}

/** Clock ticks of /proc: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** Reads /proc; undefined where there is none, or no such process. */
export function useOf(pid: number): ProcessUse | undefined {
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold spaces and brackets; the numbers begin after the last one. User and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { cpuMs: ticks * TICK_MS, peakMiB: Math.round(Number(kibibytes ?? 0) / 1_024) };
  } catch {
    // Not Linux, or the process is gone.
    return undefined;
  }
}
