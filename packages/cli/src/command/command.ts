import type { Output } from "../terminal/index.ts";
import type { everyFlag, Flags, FlagValues } from "./flags.ts";

/** What a command may touch of the world around it. Results go to `out`, talk and progress to `err`. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One call of a command with its flags read and checked. */
export interface Call<F extends Flags> {
  readonly flags: FlagValues<F> & FlagValues<typeof everyFlag>;
  readonly operands: readonly string[];
  readonly io: Io;
}

/** What follows the flags: how it reads in the usage line and how many there may be. */
export interface Operands {
  readonly usage: string;
  readonly least: number;
  readonly most: number;
}

/**
 * A verb of the command line, or one of a verb's acts (`trails create`). `run` resolves with the exit code.
 * `flags` is a function where they are expensive to know.
 */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  readonly about?: string;
  readonly operands?: Operands;
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Exit codes beside 0, 2 and those of the error table. */
  readonly exits?: Readonly<Record<number, string>>;
  readonly flags: F | (() => Promise<F>);
  /** Acts of this verb by name; the verb itself then runs when none is named. */
  readonly acts?: readonly Command[];
  run(call: Call<F>): Promise<number>;
}

/** Gives the flags' values their types inside `run`. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return command;
}
