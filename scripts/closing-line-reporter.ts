import { writeSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/** What a run came to. A test file that could not be loaded and an error outside any test count as failed. */
export interface RunCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** `123 passed, 0 failed, 2 skipped`; the last part only when something was skipped. */
export function closingLine(counts: RunCounts): string {
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`;
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

function countRun(modules: readonly TestModule[], errorsOutsideTests: number): RunCounts {
  const counts = { passed: 0, failed: errorsOutsideTests, skipped: 0 };
  for (const module of modules) {
    const failedBefore = counts.failed;
    for (const test of module.children.allTests()) {
      const state = test.result().state;
      if (state === "pending") counts.failed += 1;
      else counts[state] += 1;
    }
    if (module.state() === "failed" && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

/** Ends every run, also one that failed to start, with a line of counts alone on the last line of the output. */
export class ClosingLineReporter implements Reporter {
  #counts: RunCounts = { passed: 0, failed: 1, skipped: 0 };

  onInit(): void {
    // At exit, because vitest prints its own summary and warnings after the last reporter hook.
    process.once("exit", () => writeSync(1, `${closingLine(this.#counts)}\n`));
  }

  onTestRunEnd(modules: readonly TestModule[], errorsOutsideTests: readonly unknown[]): void {
    this.#counts = countRun(modules, errorsOutsideTests.length);
  }
}
