import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const steps: readonly Step[] = [
  { name: "types", command: "tsc", args: ["--noEmit"] },
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings", "--report-unused-disable-directives"] },
  { name: "format", command: "biome", args: ["check", "--error-on-warnings", "."] },
  { name: "imports", command: process.execPath, args: ["scripts/check-imports.ts"] },
  { name: "unused code", command: "knip", args: [] },
];

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
  readonly tookMs: number;
}

function runStep({ command, args }: Step): Promise<Outcome> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.stderr.on("data", (part: Buffer) => parts.push(part));
    const end = (passed: boolean, note: string): void =>
      resolve({ passed, output: Buffer.concat(parts).toString() + note, tookMs: performance.now() - startedMs });
    child.on("error", (error) => end(false, `${error.message}\n`));
    child.on("close", (code) => end(code === 0, ""));
  });
}

/** Runs every step, as many at once as there are cores, and prints the output of those that fail. */
async function check(): Promise<boolean> {
  const waiting = [...steps];
  let passed = true;
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const outcome = await runStep(step);
      passed &&= outcome.passed;
      console.log(`${outcome.passed ? "ok    " : "FAILED"} ${step.name} (${(outcome.tookMs / 1000).toFixed(1)} s)`);
      if (!outcome.passed) console.log(outcome.output);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return passed;
}

process.exitCode = (await check()) ? 0 : 1;
