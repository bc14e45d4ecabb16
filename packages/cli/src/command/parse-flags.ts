import { parseArgs } from "node:util";
import { EvidentError, nearestName } from "@evident/core";
import { everyFlag, type Flag, type Flags } from "./flags.ts";

/** Values as read, before a command's types are put on them. */
export interface ParsedArguments {
  readonly flags: Readonly<Record<string, boolean | string | number | readonly string[] | undefined>>;
  readonly operands: readonly string[];
}

type Value = boolean | string | number | string[] | undefined;

function usage(message: string, fix: string): EvidentError {
  return new EvidentError("bad_request", message, { fix });
}

function unknownFlag(rawName: string, name: string, known: readonly string[]): EvidentError {
  const near = name.length > 1 ? nearestName(name, known) : undefined;
  const searches = rawName.startsWith("--") ? "" : " Put -- before text that begins with a dash.";
  const fix = near === undefined ? "--help lists the flags." : `Did you mean --${near}?`;
  return usage(`unknown flag ${rawName}`, `${fix}${searches}`);
}

function parseWhole(flag: Extract<Flag, { kind: "whole" }>, rawName: string, text: string): number {
  const plain = text.replaceAll("_", "");
  const value = /^\d{1,15}$/.test(plain) ? Number(plain) : Number.NaN;
  if (value >= flag.least && value <= flag.most) return value;
  throw usage(
    `${rawName} cannot be ${JSON.stringify(text.slice(0, 40))}`,
    `Give a whole number from ${flag.least} to ${flag.most}.`,
  );
}

function readValue(flag: Flag, rawName: string, value: string | undefined, isFlag: boolean): Value {
  if (flag.kind === "switch") {
    if (value !== undefined) throw usage(`${rawName} takes no value`, `Write ${rawName} alone.`);
    return true;
  }
  if (value === undefined || value === "" || isFlag)
    throw usage(`${rawName} needs a value`, `Write ${rawName} ${flag.value}.`);
  switch (flag.kind) {
    case "whole":
      return parseWhole(flag, rawName, value);
    case "texts":
      return [value];
    case "text":
      return value;
  }
}

const absent = (flag: Flag): Value => (flag.kind === "switch" ? false : flag.kind === "texts" ? [] : undefined);

/**
 * Reads the arguments after a verb. Values may begin with a single dash (`--from -24h`).
 *
 * @throws EvidentError `bad_request` naming the argument and the nearest flag
 */
export function parseFlags(own: Flags, args: readonly string[]): ParsedArguments {
  const flags: Flags = { ...own, ...everyFlag };
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(flags).map(([name, { kind, short }]) => [
        name,
        { type: kind === "switch" ? "boolean" : "string", ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const values = new Map<string, Value>(Object.entries(flags).map(([name, flag]) => [name, absent(flag)]));
  const operands: string[] = [];
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) throw unknownFlag(rawName, name, Object.keys(flags));
    const isFlag = token.inlineValue !== true && Object.hasOwn(flags, token.value?.match(/^--([^=]+)/)?.[1] ?? "");
    const value = readValue(flag, rawName, token.value, isFlag);
    const before = values.get(name);
    if (Array.isArray(value) && Array.isArray(before)) values.set(name, [...before, ...value]);
    else if (seen.has(name) && flag.kind !== "switch") throw usage(`${rawName} is given twice`, "Give it once.");
    else values.set(name, value);
    seen.add(name);
  }
  return { flags: Object.fromEntries(values), operands };
}
