import { type Made, type NativeRecord, unreadable } from "../../adapt/index.ts";
import { commonPrefixes, compilePrefix, type LinePrefix, type PrefixedLine } from "./line-prefix.ts";
import { type LogEntry, severities, splitSqlState } from "./log-entry.ts";

/** A line, or lines, of a stderr log. */
export type StderrLine =
  | { readonly kind: "message"; readonly entry: LogEntry }
  /** Belongs to the message before it, of the same process. */
  | { readonly kind: "addition"; readonly pid: string | undefined; readonly addition: Partial<LogEntry> }
  | { readonly kind: "none"; readonly made: Made };

const members: Readonly<Record<string, "detail" | "hint" | "context" | "statement" | undefined>> = {
  DETAIL: "detail",
  HINT: "hint",
  CONTEXT: "context",
  STATEMENT: "statement",
};

export type StderrReader = (record: NativeRecord) => StderrLine;

/** Reads lines that begin with `prefix`; without one, with the first of the common prefixes that fits. */
export function makeStderrReader(prefix: string | undefined): StderrReader {
  const prefixes = prefix === undefined ? common : [compilePrefix(prefix)];
  let last = prefixes[0];
  return (record) => {
    // The server indents what a message has beyond its first line.
    const text = record.text.replaceAll("\n\t", "\n");
    let read = last?.read(text);
    for (const other of prefixes) {
      if (read !== undefined) break;
      if (other === last) continue;
      read = other.read(text);
      if (read !== undefined) last = other;
    }
    if (read === undefined) return { kind: "none", made: noPrefix(prefix) };
    if (read === "ambiguous") return { kind: "none", made: ambiguous };
    return toLine(record, read, prefix === undefined);
  };
}

const common: readonly LinePrefix[] = commonPrefixes.map(compilePrefix);

/** Whether a line begins as a server with one of the common prefixes writes it. */
export function beginsAsLog(line: string): boolean {
  return common.some((prefix) => prefix.read(line) !== undefined);
}

function noPrefix(prefix: string | undefined): Made {
  const problem = `does not begin with ${prefix === undefined ? "any common prefix" : `the prefix ${JSON.stringify(prefix)}`} and a level such as LOG:`;
  return unreadable("", problem, "Set linePrefix to the server's log_line_prefix, and lc_messages to C.");
}

const ambiguous = unreadable(
  "",
  "can be read in two ways: a name in it holds what looks like the rest of a line",
  "Let the server write jsonlog or csvlog, which quote names.",
);

function toLine(
  record: NativeRecord,
  { fields, label, text, isNameAssumed }: PrefixedLine,
  isPrefixAssumed: boolean,
): StderrLine {
  if (!severities.has(label)) {
    const member = members[label];
    return { kind: "addition", pid: fields.pid, addition: member === undefined ? {} : { [member]: text } };
  }
  const { sqlState, message } = splitSqlState(text);
  const code = fields.sqlState ?? sqlState;
  const entry = {
    record,
    format: "stderr",
    ...fields,
    sqlState: code,
    severity: label,
    message,
    isPrefixAssumed,
    isNameAssumed,
  } as const;
  return { kind: "message", entry };
}
