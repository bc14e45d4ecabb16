import { runCli } from "./run-cli.ts";
import { Output } from "./terminal/index.ts";

const GRACE_MS = 1_000;

const stop = new AbortController();
let signals = 0;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    signals += 1;
    stop.abort(new Error(`stopped by ${name}`));
    if (signals === 1) return;
    // The second time: somebody does not want to wait.
    process.removeAllListeners(name);
    process.kill(process.pid, name);
  });
}
const out = new Output(process.stdout, process.env);
let brokenPipeCode: number | undefined;
// The reader of a pipe has seen enough (`evident search | head`): not an error, but where the whole was wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  brokenPipeCode ??= error.code === "EPIPE" && !out.isWholeWanted ? 0 : 74;
  stop.abort(error);
  end(brokenPipeCode);
});
process.stderr.on("error", () => undefined);

/** What is still buffered for a slow reader of a pipe would be lost with the process, and its exit code would say that all is well. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

/**
 * Ends the process once nothing is left to do, or after a second. Not with `process.exit` at once: it waits for V8's threads, and one that
 * compiles may be waiting for the main thread to collect garbage; then neither ends (Node 26.10, about one start in a hundred under load).
 */
function end(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), GRACE_MS).unref();
}

const exitCode = await runCli(process.argv.slice(2), {
  out,
  err: new Output(process.stderr, process.env),
  env: process.env,
  workingDirectory: process.cwd(),
  signal: stop.signal,
});
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
end(brokenPipeCode ?? exitCode);
