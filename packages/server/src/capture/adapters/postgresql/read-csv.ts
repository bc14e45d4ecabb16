import { type Made, type NativeRecord, unreadable } from "../../adapt/index.ts";
import { known, type LogEntry } from "./log-entry.ts";

const TIME = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} [^,"]{1,32}';
const NAME = '(?:"(?:[^"]|"")*")?';
/** How a record of csvlog begins: time, user, database, process, client, session, line. */
const START = new RegExp(`^${TIME},${NAME},${NAME},\\d{1,10},(?:"[^"]*")?,[0-9a-f]{1,16}\\.[0-9a-f]{1,8},\\d{1,20},`);
/** Names of users and databases may have several lines. */
const OPEN_NAME = new RegExp(`^${TIME},(?:${NAME},)?"(?:[^"]|"")*$`);

export function beginsAsCsv(text: string): boolean {
  return START.test(text) || OPEN_NAME.test(text);
}

/**
 * Whether a line cannot lie within a quoted field: there its first quote would be doubled, or end the field. So a record that broke off
 * costs nothing but itself, and no statement can hold a line that passes for a record.
 */
export function cannotContinue(line: string): boolean {
  const quote = line.indexOf('"');
  const after = line[quote + 1];
  return quote >= 0 && after !== undefined && after !== '"' && after !== "," && after !== "\r";
}

export function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1;
  return count;
}

/** Splits one CSV record. @returns undefined when a quoted field does not end, or goes on after its end */
export function splitCsv(text: string): readonly string[] | undefined {
  const fields: string[] = [];
  for (let at = 0; ; at += 1) {
    if (text[at] === '"') {
      let value = "";
      for (let from = at + 1; ; ) {
        const quote = text.indexOf('"', from);
        if (quote < 0) return undefined;
        if (text[quote + 1] === '"') {
          value += text.slice(from, quote + 1);
          from = quote + 2;
          continue;
        }
        value += text.slice(from, quote);
        at = quote + 1;
        break;
      }
      fields.push(value);
      if (at < text.length && text[at] !== ",") return undefined;
    } else {
      const comma = text.indexOf(",", at);
      const end = comma < 0 ? text.length : comma;
      fields.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return fields;
  }
}

/** Columns of csvlog, in order; PostgreSQL 13 added `backendType`, 14 the last two. */
const columns = [
  "time",
  "user",
  "database",
  "pid",
  "client",
  "sessionId",
  "lineNumber",
  "commandTag",
  "sessionStart",
  "virtualXid",
  "xid",
  "severity",
  "sqlState",
  "message",
  "detail",
  "hint",
  "internalQuery",
  "internalPosition",
  "context",
  "statement",
  "statementPosition",
  "location",
  "application",
  "backendType",
  "leaderPid",
  "queryId",
] as const;
/** PostgreSQL up to 12, 13, from 14. */
const counts: ReadonlySet<number> = new Set([23, 24, 26]);

export function readCsv(record: NativeRecord): LogEntry | Made {
  const values = splitCsv(record.text);
  if (values === undefined) {
    return unreadable(
      "",
      "is a record of csvlog in which a quoted field does not end",
      "Check whether the file was cut.",
    );
  }
  if (!counts.has(values.length)) {
    return unreadable(
      "",
      `has ${values.length} columns; csvlog has 23, 24 or 26`,
      "Check whether the file was changed or cut.",
    );
  }
  const fields: Partial<Record<(typeof columns)[number], string>> = {};
  for (const [index, name] of columns.entries()) {
    const value = known(values[index]);
    if (value !== undefined) fields[name] = value;
  }
  const { client, severity = "", message = "", internalQuery: _, internalPosition: _at, ...rest } = fields;
  const { statementPosition: _position, location: _location, ...known_ } = rest;
  return { record, format: "csvlog", ...known_, ...splitClient(client), severity, message };
}

/** `203.0.113.9:5432`, `2001:db8::1:5432` or `[local]`. */
function splitClient(client: string | undefined): Pick<LogEntry, "host" | "port"> {
  const parts = /^(.*):(\d{1,5})$/.exec(client ?? "");
  return parts === null ? { host: client } : { host: parts[1], port: parts[2] };
}
