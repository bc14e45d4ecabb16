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
// The reader of a pipe has seen enough (`evident search | head`): not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 74));
process.stderr.on("error", () => undefined);

process.exit(
  await runCli(process.argv.slice(2), {
    out: new Output(process.stdout, process.env),
    err: new Output(process.stderr, process.env),
    env: process.env,
    workingDirectory: process.cwd(),
    signal: stop.signal,
  }),
);
