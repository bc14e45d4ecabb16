import type { CheckedLine, Conflict } from "../../check/index.ts";
import type { Ledger } from "../../ledger/index.ts";
import { makeVerdict, type Verdict } from "./verdict.ts";

/** Makes the quarantine entries of lines whose identities stand elsewhere with other content. */
export type QuarantineConflicts = (conflicts: readonly Conflict[]) => Promise<readonly CheckedLine[]>;

/** Told of each line that was there already. */
export type OnDuplicate = (trail: string, source: string | undefined) => void;

/**
 * Stores checked lines in order and returns a verdict for each. A line whose identity stands elsewhere with other content goes to
 * quarantine; the entry that stands first is never touched.
 *
 * @throws EvidentError `overloaded`, `storage_full`, `storage_failed`: no line of these has a verdict
 */
export async function storeLines(
  ledger: Ledger,
  trail: string,
  lines: readonly CheckedLine[],
  quarantineConflicts: QuarantineConflicts,
  onDuplicate: OnDuplicate = () => undefined,
): Promise<readonly Verdict[]> {
  const appended = await ledger.append(
    trail,
    lines.map(({ draft }) => draft),
  );
  const verdicts: Verdict[] = [];
  const conflicts: (Conflict & { readonly at: number })[] = [];
  for (const [at, line] of lines.entries()) {
    const result = appended[at];
    if (result === undefined) throw new TypeError("the ledger answered for fewer drafts than it was given");
    if (result.status === "duplicate") onDuplicate(trail, line.source);
    if (result.status === "conflict") conflicts.push({ at, line, first: result });
    verdicts.push(makeVerdict(line, result));
  }
  if (conflicts.length === 0) return verdicts;
  const quarantined = await quarantineConflicts(conflicts);
  const stored = await ledger.append(
    trail,
    quarantined.map(({ draft }) => draft),
  );
  for (const [i, { at }] of conflicts.entries()) {
    const line = quarantined[i];
    const result = stored[i];
    if (line === undefined || result === undefined) throw new TypeError("a conflict came back without its entry");
    verdicts[at] = makeVerdict(line, result);
  }
  return verdicts;
}
