import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Io } from "../command/index.ts";

/** Where heads are remembered when nothing else is said: below the XDG state directory of the user, away from every store. */
export function defaultRememberFile({ env }: Pick<Io, "env">): string {
  const state = env["XDG_STATE_HOME"];
  // A relative path there is to be ignored (XDG Base Directory Specification).
  const base = state?.startsWith("/") === true ? state : join(env["HOME"] || homedir(), ".local", "state");
  return join(base, "evident", "heads.json");
}

/** The file to remember heads in; undefined: none. */
export function chooseRememberFile(
  flags: { readonly remember: string | undefined; readonly "no-remember": boolean },
  io: Io,
): string | undefined {
  if (flags["no-remember"]) return undefined;
  return flags.remember === undefined ? defaultRememberFile(io) : resolve(io.workingDirectory, flags.remember);
}
