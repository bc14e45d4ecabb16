import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { closingLine } from "./closing-line-reporter.ts";

const made: string[] = [];

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** Runs vitest as a process on the given test files and returns its exit code and last line. */
function runTests(files: Readonly<Record<string, string>>): { readonly status: number | null; readonly last: string } {
  const dir = mkdtempSync(join(import.meta.dirname, "../node_modules/.closing-line-"));
  made.push(dir);
  const reporter = join(import.meta.dirname, "closing-line-reporter.ts");
  writeFileSync(
    join(dir, "vitest.config.ts"),
    `import { ClosingLineReporter } from ${JSON.stringify(reporter)};\n` +
      `export default { test: { root: ${JSON.stringify(dir)}, include: ["*.test.ts"], exclude: [], maxWorkers: 1,` +
      ` reporters: ["default", new ClosingLineReporter()] } };\n`,
  );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
  const run = spawnSync(process.execPath, [vitest, "run", "--config", join(dir, "vitest.config.ts")], {
    cwd: dir,
    encoding: "utf8",
    timeout: 50_000,
  });
  return { status: run.status, last: run.stdout.trimEnd().split("\n").at(-1) ?? "" };
}

const head = 'import { expect, it } from "vitest";\n';

it("prints the skipped count only where there is one", () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
});

it("ends a run with the counts of passed, failed and skipped tests", () => {
  const run = runTests({
    "a.test.ts": `${head}it("a", () => {}); it("b", () => { expect(1).toBe(2); }); it.skip("c", () => {});`,
  });
  expect(run).toEqual({ status: 1, last: "1 passed, 1 failed, 1 skipped" });
});

it("counts a test file that cannot be loaded as failed", () => {
  const run = runTests({ "a.test.ts": `${head}it("a", () => {});`, "b.test.ts": 'import "./nowhere.ts";' });
  expect(run).toEqual({ status: 1, last: "1 passed, 1 failed" });
});
