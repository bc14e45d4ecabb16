import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evident } from "./evident.ts";
import { type EvidentOptions, parseOptions } from "./options.ts";
import { SpooledEvident } from "./spooled-evident.ts";

const signals = ["SIGTERM", "SIGINT"] as const;

/** Closes on a signal, then lets it do what it would have done. */
function closeOnSignals(evident: Evident): void {
  for (const signal of signals) {
    process.once(signal, () => {
      const end = (): void => {
        // With another listener the application has a shutdown of its own, which ends the process.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      };
      evident.close().then(end, end);
    });
  }
}

/** The default folder lies where the application's sources may: events do not belong into their history. */
function keepOutOfGit(dir: string): void {
  try {
    writeFileSync(join(dir, ".gitignore"), "*\n", { flag: "wx" });
  } catch {
    // It is there already, or this is somebody's read-only mount: nothing depends on it.
  }
}

/**
 * Opens a client and its spool.
 *
 * @throws SdkError `config_invalid` naming the setting; `spool_failed` when the spool's folder cannot be written
 *
 * Everything that earlier processes left in the spool is sent as well. Nothing here keeps the process alive; `close` before the end sends
 * what waits, and without it the next process does.
 */
export function createEvident(options: EvidentOptions): Evident {
  const settings = parseOptions(options, process.env);
  const evident = new SpooledEvident(settings);
  if (options.spool?.dir === undefined) keepOutOfGit(settings.dir);
  if (settings.handleSignals) closeOnSignals(evident);
  return evident;
}
