import type { VerifyProblem, VerifyReport } from "@evident/server";
import type { Io } from "../command/index.ts";
import { formatCount, formatPlural, plainText, renderTable } from "../terminal/index.ts";

const MOST_SHOWN = 50;

const words = {
  verified: ["green", "verified"],
  gaps: ["yellow", "verified with gaps"],
  failed: ["red", "FAILED"],
} as const;

/** What a head stands on, in words. */
function describeAnchor({ kind, size }: VerifyReport["anchor"]): string {
  return kind === "none" ? "none" : `${kind} up to ${formatCount(size)}`;
}

function placeOf({ trail, index, end }: VerifyProblem): string {
  if (index === null) return trail;
  const last = end === undefined || end === index + 1 ? "" : `-${end - 1}`;
  return `${trail}:${index}${last}`;
}

function printProblems({ out }: Io, problems: readonly VerifyProblem[]): void {
  if (problems.length === 0) return;
  void out.line(`\n${out.style("bold", formatPlural(problems.length, "problem"))}`);
  for (const problem of problems.slice(0, MOST_SHOWN)) {
    const style = problem.severity === "gap" ? "yellow" : "red";
    void out.line(`  ${out.style(style, problem.kind)}  ${plainText(placeOf(problem))}`);
    void out.line(`    ${plainText(problem.detail)}`);
    if (problem.file !== undefined) void out.line(`    ${out.style("dim", plainText(problem.file))}`);
  }
  const more = problems.length - MOST_SHOWN;
  if (more > 0) void out.line(`  and ${formatCount(more)} more; --json lists them all`);
}

function printUnchecked({ out }: Io, unchecked: readonly string[]): void {
  if (unchecked.length === 0) return;
  void out.line(`\n${out.style("bold", "Not checked")}`);
  for (const text of unchecked) void out.line(`  ${plainText(text)}`);
}

function printTrails({ out }: Io, trails: VerifyReport["trails"]): void {
  const rows = trails.map(({ trail, size, anchor }) => [trail, formatCount(size), describeAnchor(anchor)]);
  const styleHead = (text: string): string => out.style("dim", text);
  void out.line(`\n${renderTable(["trail", "entries", "anchor"], rows, { right: ["entries"], styleHead })}`);
}

/**
 * Prints a report for a person: verdict, what is wrong and where, what the verdict stands on, and what was not checked.
 *
 * @param about what was verified, a line or two; `trails` those to list
 */
export function printReport(
  io: Io,
  report: VerifyReport,
  {
    target,
    about,
    trails,
  }: { readonly target: string; readonly about: string; readonly trails: VerifyReport["trails"] },
): void {
  const { out } = io;
  const { verdict, anchor, problems, unchecked } = report;
  const [style, word] = words[verdict];
  void out.line(`${out.style(style, word)}  ${plainText(target)}`);
  if (about !== "") void out.line(about);
  if (trails.length > 0) printTrails(io, trails);
  printProblems(io, problems);
  const stands =
    anchor.kind === "none"
      ? "none: consistent with its own key only"
      : `${describeAnchor(anchor)}: it agrees with a head that was seen before`;
  void out.line(`\n${out.style("bold", "Anchor")}  ${stands}`);
  printUnchecked(io, unchecked);
}
