import { EvidentError, nearestName } from "@evident/core";
import {
  type Command,
  type Flags,
  type Io,
  parseFlags,
  renderExits,
  renderHelp,
  renderOverview,
} from "./command/index.ts";
import { commands } from "./commands/index.ts";
import { plainText } from "./terminal/index.ts";
import { version } from "./version.ts";

const STOPPED = 130;

async function flagsOf(command: Command): Promise<Flags> {
  return typeof command.flags === "function" ? command.flags() : command.flags;
}

function unknownVerb(name: string, known: readonly string[], what: string): EvidentError {
  const near = nearestName(name, known);
  const shown = JSON.stringify(plainText(name, 40));
  return new EvidentError("bad_request", `there is no ${what} ${shown}`, {
    fix: near === undefined ? `Known: ${known.join(", ")}.` : `Did you mean ${near}? \`evident help\` lists all verbs.`,
  });
}

interface Found {
  readonly path: string;
  readonly command: Command;
  readonly args: readonly string[];
}

async function find(argv: readonly string[]): Promise<Found> {
  const [verb = "", ...rest] = argv;
  const load = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (load === undefined) throw unknownVerb(verb, [...Object.keys(commands), "help"], "verb");
  const command = await load();
  const [name = "", ...args] = rest;
  if (command.acts === undefined || name === "" || name.startsWith("-"))
    return { path: `evident ${verb}`, command, args: rest };
  const act = command.acts.find((each) => each.name === name);
  if (act === undefined)
    throw unknownVerb(
      name,
      command.acts.map((each) => each.name),
      `act of ${verb}`,
    );
  return { path: `evident ${verb} ${name}`, command: act, args };
}

function checkOperands({ command, path }: Found, operands: readonly string[]): void {
  const { usage = "", least = 0, most = 0 } = command.operands ?? {};
  if (operands.length < least) {
    throw new EvidentError("bad_request", `${path} needs ${usage}`, { fix: `${path} --help has examples.` });
  }
  const extra = operands[most];
  if (extra !== undefined) {
    throw new EvidentError("bad_request", `${path} does not take ${JSON.stringify(plainText(extra, 40))}`, {
      fix: `Usage: ${`${path} ${usage}`.trimEnd()}. ${path} --help says more.`,
    });
  }
}

async function help(words: readonly string[], io: Io): Promise<number> {
  if (words.length === 0) {
    const all = await Promise.all(Object.values(commands).map((load) => load()));
    void io.out.write(renderOverview(all, version, io.out));
  } else if (words[0] === "exits") {
    void io.out.write(renderExits(io.out));
  } else {
    const { path, command } = await find(words);
    void io.out.write(renderHelp(path, command, await flagsOf(command), io.out));
  }
  return 0;
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first] = argv;
  if (first === "--version" || first === "-V" || first === "version") {
    void io.out.line(`evident ${version} (Node ${process.version})`);
    return 0;
  }
  if (first === undefined) {
    await help([], io);
    return 2;
  }
  if (first === "help" || first === "--help" || first === "-h") return help(argv.slice(1), io);
  const found = await find(argv);
  const { flags, operands } = parseFlags(await flagsOf(found.command), found.args);
  if (flags["help"] === true) {
    void io.out.write(renderHelp(found.path, found.command, await flagsOf(found.command), io.out));
    return 0;
  }
  checkOperands(found, operands);
  // The parser has read every value by its flag's kind.
  const call = { flags, operands, io } as Parameters<Command["run"]>[0];
  return found.command.run(call);
}

/** Text of several lines, each made safe for a terminal: messages quote what came from outside. */
function plainLines(text: string): string {
  return text
    .split("\n")
    .map((line) => plainText(line))
    .join("\n");
}

function report(error: EvidentError, isJson: boolean, io: Io): number {
  const { code, message, fix, exit } = error;
  if (isJson) {
    void io.err.json({ error: { code, message, fix, exit } });
    return exit;
  }
  void io.err.line(`${io.err.style("red", "evident:")} ${plainLines(message)}`);
  void io.err.line(`${io.err.style("dim", "fix:")} ${plainText(fix)}`);
  return exit;
}

/** Runs one command line and resolves with its exit code. Every failure ends here, as a message with its fix. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const isJson = argv.includes("--json");
  try {
    return await dispatch(argv, io);
  } catch (cause) {
    if (io.signal.aborted) return STOPPED;
    if (cause instanceof EvidentError && cause.code !== "internal") return report(cause, isJson, io);
    void io.err.line(plainLines(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)));
    return report(
      new EvidentError("internal", "this is a mistake in Evident, not yours", {
        cause,
        fix: "Report it with the lines above.",
      }),
      isJson,
      io,
    );
  }
}
