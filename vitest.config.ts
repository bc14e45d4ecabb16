import { defineConfig } from "vitest/config";
import { ClosingLineReporter } from "./scripts/closing-line-reporter.ts";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "scripts/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Many files wait for a disk, a process or a clock: two at a time on the smallest machine.
    maxWorkers: 2,
    reporters: ["default", new ClosingLineReporter()],
  },
});
