import { errors } from "@evident/core";
import type { Output } from "../terminal/index.ts";
import type { Command } from "./command.ts";
import { everyFlag, type Flag, type Flags } from "./flags.ts";

const INDENT = "  ";
const MOST_COLUMNS = 100;

/** Breaks text at spaces; `first` is what stands before the first line and sets the indent of the others. */
export function wrap(text: string, first: string, columns: number): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = `${" ".repeat(first.length)}${word}`;
    } else {
      line += isEmpty ? word : ` ${word}`;
    }
    isEmpty = false;
  }
  return [...lines, line].join("\n");
}

function flagTitle(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  return `${short}--${name}${flag.kind === "switch" ? "" : ` ${flag.value}`}`;
}

function renderRows(rows: readonly (readonly [string, string])[], columns: number): string {
  const widest = Math.min(28, Math.max(...rows.map(([title]) => title.length)));
  return rows
    .map(([title, text]) => {
      if (title.length <= widest) return wrap(text, `${INDENT}${title.padEnd(widest)}  `, columns);
      return `${INDENT}${title}\n${wrap(text, " ".repeat(INDENT.length + widest + 2), columns)}`;
    })
    .join("\n");
}

function exitRows(command: Command): readonly (readonly [string, string])[] {
  const own: Record<number, string> = { 0: "fine", 2: "wrong usage or configuration", ...command.exits };
  return Object.entries(own).map(([code, meaning]) => [code, meaning] as const);
}

function columnsOf(out: Output): number {
  return Math.min(MOST_COLUMNS, out.columns);
}

/** Help of one command. `path` is how it is called: `evident trails create`. */
export function renderHelp(path: string, command: Command, flags: Flags, out: Output): string {
  const columns = columnsOf(out);
  const title = (text: string): string => out.style("bold", text);
  const all = Object.entries<Flag>({ ...flags, ...everyFlag });
  const operands = command.operands === undefined ? "" : ` ${command.operands.usage}`;
  const parts = [`${title(path)}: ${command.summary}`, `${title("Usage")}\n${INDENT}${path}${operands} [flags]`];
  if (command.about !== undefined) {
    const paragraphs = command.about.split("\n").map((paragraph) => wrap(paragraph, "", columns));
    parts.push(paragraphs.join("\n\n"));
  }
  if (command.acts !== undefined) {
    const rows = command.acts.map(
      (act) => [`${act.name} ${act.operands?.usage ?? ""}`.trimEnd(), act.summary] as const,
    );
    parts.push(`${title("Acts")}\n${renderRows(rows, columns)}\n\n${INDENT}${path} ACT --help says more.`);
  }
  const examples = command.examples.map(
    ({ line, does }) => `${INDENT}$ ${line}\n${wrap(does, INDENT.repeat(3), columns)}`,
  );
  parts.push(`${title("Examples")}\n${examples.join("\n")}`);
  parts.push(
    `${title("Flags")}\n${renderRows(
      all.map(([name, flag]) => [flagTitle(name, flag), flag.summary]),
      columns,
    )}`,
  );
  parts.push(`${title("Exit codes")}\n${renderRows(exitRows(command), columns)}\n${INDENT}others: evident help exits`);
  return `${parts.join("\n\n")}\n`;
}

/** The list of all verbs. */
export function renderOverview(commands: readonly Command[], version: string, out: Output): string {
  const title = (text: string): string => out.style("bold", text);
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    `${title("Evident")} ${version}: access logs that are evidence`,
    `${title("Usage")}\n${INDENT}evident VERB [flags]`,
    `${title("Verbs")}\n${renderRows(rows, columnsOf(out))}`,
    [
      title("More"),
      `${INDENT}evident help VERB      flags, units, defaults and examples`,
      `${INDENT}evident help exits     what each exit code means`,
      `${INDENT}evident --version`,
      "",
      `${INDENT}Verbs that talk to a server read EVIDENT_URL and EVIDENT_KEY, or --url and --key.`,
    ].join("\n"),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

/** Every exit code with its meaning, from the error table. */
export function renderExits(out: Output): string {
  const rows: (readonly [string, string])[] = [
    ["0", "fine"],
    ["1", "verification failed"],
    ["2", "wrong usage or configuration"],
    ["3", "verified, with gaps"],
  ];
  for (const [code, { exit, fix }] of Object.entries(errors)) if (exit > 3) rows.push([`${exit}`, `${code}: ${fix}`]);
  rows.push(
    ["69", "the launcher found no usable Node: run npm ci"],
    ["74", "the reader of a pipe left before the whole was written"],
    ["130", "stopped by Ctrl-C"],
  );
  rows.sort((a, b) => Number(a[0]) - Number(b[0]));
  return `${renderRows(rows, columnsOf(out))}\n`;
}
