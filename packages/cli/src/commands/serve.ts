import { EvidentError } from "@evident/core";
import type { Server } from "@evident/server";
import { defineCommand, type Io } from "../command/index.ts";
import { version } from "../version.ts";
import { readConfig, settingFlags } from "./config-flags.ts";

function untilStopped(server: Server, signal: AbortSignal): Promise<Error | undefined> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return Promise.race([stopped, server.failed]);
}

/** What a person at a terminal wants to know; programs read the log. */
function greet(server: Server, data: string, io: Io): void {
  const { err } = io;
  if (!err.isTerminal) return;
  void err.line(`\n${err.style("bold", "Evident")} serves on ${err.style("cyan", server.url)}, data in ${data}`);
  void err.line(`${err.style("dim", "reference")}  ${server.url}/reference`);
  if (server.madeKey !== undefined) {
    void err.line(`${err.style("dim", "admin key")}  ${server.madeKey.key}`);
    void err.line(err.style("dim", `           shown this once; it is also in ${server.madeKey.file}`));
  }
  void err.line(`${err.style("dim", "first try")}  ./evident demo    ${err.style("dim", "(in another terminal)")}\n`);
}

/** `evident serve`: the server until it is told to stop. */
export const serve = defineCommand({
  name: "serve",
  summary: "Run the server.",
  about:
    "Serves the API on one data directory, which only one server may have open. Listening beyond loopback needs TLS or --behind-proxy. " +
    "Its own log goes to stderr as JSON lines. SIGTERM and Ctrl-C stop it cleanly; SIGHUP reads the TLS certificate again.",
  examples: [
    { line: "evident serve", does: "On http://127.0.0.1:7070, data in ./data." },
    { line: "evident serve --data /var/lib/evident --listen 127.0.0.1:7071", does: "Another directory and port." },
  ],
  exits: {
    12: "the store was damaged",
    16: "the store is older than what it has shown",
    17: "the disk failed",
    19: "another server has the data open",
  },
  flags: () => settingFlags(),
  async run({ flags, io }) {
    const config = await readConfig(flags, io);
    const { openServer } = await import("@evident/server");
    const server = await openServer({
      config,
      version,
      bootstrapKey: io.env["EVIDENT_BOOTSTRAP_KEY"],
      logTo: { write: (line: string) => void io.err.write(line) },
    });
    const reload = (): void => server.reloadTls();
    process.on("SIGHUP", reload);
    greet(server, config.data, io);
    const failure = await untilStopped(server, io.signal);
    process.off("SIGHUP", reload);
    if (failure === undefined) {
      await server.close();
      return 0;
    }
    // The disk has failed under the log: closing would write to it again. The next start recovers.
    throw failure instanceof EvidentError
      ? failure
      : new EvidentError("storage_failed", `the log failed: ${failure.message}`, { cause: failure });
  },
});
