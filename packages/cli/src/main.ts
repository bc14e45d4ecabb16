import { runCli } from "./run-cli.ts";
import { Output } from "./terminal/index.ts";

const stop = new AbortController();
let signals = 0;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    signals += 1;
    // The second time: somebody does not want to wait.
    if (signals > 1) process.exit(130);
    stop.abort(new Error(`stopped by ${name}`));
  });
}
const out = new Output(process.stdout, process.env);
// The reader of a pipe has seen enough (`evident search | head`): not an error, but where the whole was wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" && !out.isWholeWanted ? 0 : 74);
});
process.stderr.on("error", () => undefined);

/** What is still buffered for a slow reader of a pipe would be lost with the process, and its exit code would say that all is well. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

const exitCode = await runCli(process.argv.slice(2), {
  out,
  err: new Output(process.stderr, process.env),
  env: process.env,
  workingDirectory: process.cwd(),
  signal: stop.signal,
});
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(exitCode);
