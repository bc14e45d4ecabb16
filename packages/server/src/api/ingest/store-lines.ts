import type { CheckedLine } from "../../check/index.ts";
import type { Appended, Ledger } from "../../ledger/index.ts";
import { makeVerdict, type Verdict } from "./verdict.ts";

/** Makes the quarantine entry of a line whose identity stands at `first` with other content. */
export type MakeConflict = (line: CheckedLine, first: Appended) => CheckedLine;

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
  makeConflict: MakeConflict,
): Promise<readonly Verdict[]> {
  const appended = await ledger.append(
    trail,
    lines.map(({ draft }) => draft),
  );
  const verdicts: Verdict[] = [];
  const conflicts: { readonly at: number; readonly line: CheckedLine }[] = [];
  for (const [i, line] of lines.entries()) {
    const result = appended[i];
    if (result === undefined) throw new TypeError("the ledger answered for fewer drafts than it was given");
    if (result.status === "conflict") conflicts.push({ at: i, line: makeConflict(line, result) });
    verdicts.push(makeVerdict(line, result));
  }
  if (conflicts.length === 0) return verdicts;
  const stored = await ledger.append(
    trail,
    conflicts.map(({ line }) => line.draft),
  );
  for (const [i, { at, line }] of conflicts.entries()) {
    const result = stored[i];
    if (result !== undefined) verdicts[at] = makeVerdict(line, result);
  }
  return verdicts;
}
