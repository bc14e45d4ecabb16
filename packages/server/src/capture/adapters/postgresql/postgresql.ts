import { EvidentError } from "@evident/core";
import { Type } from "typebox";
import { defineSessionAdapter } from "../../adapt/index.ts";
import { prefixProblem } from "./line-prefix.ts";
import { makeTimeReader, parseZones } from "./log-time.ts";
import { PostgresSession } from "./postgres-session.ts";
import { beginsAsCsv, cannotContinue, countQuotes } from "./read-csv.ts";
import { beginsAsJson } from "./read-json.ts";
import { beginsAsLog, makeStderrReader } from "./read-stderr.ts";

const options = Type.Object(
  {
    cluster: Type.String({
      description: "Name of the database cluster: namespace of its users and scope of its resources.",
      default: "postgresql",
      minLength: 1,
    }),
    linePrefix: Type.Optional(
      Type.String({
        description:
          "The server's log_line_prefix, for stderr logs; `%m [%p] %q%u@%d ` is Debian's. Absent: the common ones are tried, with a warning.",
      }),
    ),
    timeZone: Type.Optional(
      Type.String({
        description:
          "What time zone abbreviations other than UTC and GMT mean: a zone such as Europe/Berlin, or offsets such as CET=+01:00,CEST=+02:00. Absent: records with other abbreviations are refused.",
      }),
    ),
    errorsLogged: Type.Boolean({
      description:
        "Whether log_min_messages is error or lower in every session (warning is the default): then a statement has succeeded when its session goes on without an error.",
      default: false,
    }),
    joinSeconds: Type.Integer({
      description: "How long a statement waits for its error or duration, in seconds of the log.",
      default: 60,
      minimum: 0,
      maximum: 86_400,
    }),
  },
  { additionalProperties: false },
);

/** How a record can go on: by a line indented by a tab, by any line while a quote of csvlog is open, or not at all. */
type Continuation = "indented" | "quoted" | "none";

/** Of records with the lines so far, so that long ones are not looked through for every line. */
const continuations = new WeakMap<object, Continuation>();

function continuationOf(text: string): Continuation {
  if (text.startsWith("{")) return "none";
  if (!beginsAsCsv(text)) return "indented";
  return countQuotes(text) % 2 === 1 ? "quoted" : "none";
}

function continues(open: string, line: string, record: object): boolean {
  const continuation = continuations.get(record) ?? continuationOf(open);
  const isPart =
    continuation === "indented" ? line.startsWith("\t") : continuation === "quoted" && !cannotContinue(line);
  const hasClosed = continuation === "quoted" && isPart && countQuotes(line) % 2 === 1;
  continuations.set(record, hasClosed ? "none" : continuation);
  return isPart;
}

/**
 * Server logs of PostgreSQL 12 to 18, stderr, csvlog or jsonlog, with or without pgaudit. Formats: PostgreSQL manual, chapter "Error
 * Reporting and Logging"; rows of pgaudit: its README.
 */
export const postgresql = defineSessionAdapter({
  name: "postgresql",
  title: "PostgreSQL server logs: stderr, csvlog, jsonlog, with or without pgaudit",
  framing: { kind: "lines", continues },
  options,
  recognises: ({ text }) => beginsAsJson(text) || beginsAsCsv(text) || beginsAsLog(text),
  open({ cluster, linePrefix, timeZone, errorsLogged, joinSeconds }, { nowMs }) {
    if (timeZone !== undefined && parseZones(timeZone) === undefined) {
      const fix = "Write a zone such as Europe/Berlin, or offsets such as CET=+01:00,CEST=+02:00.";
      throw new EvidentError("bad_request", "option timeZone of postgresql is no time zone", { fix });
    }
    const problem = linePrefix === undefined ? undefined : prefixProblem(linePrefix);
    if (problem !== undefined) {
      const fix = "Part names by other characters, in the server's log_line_prefix too.";
      throw new EvidentError("bad_request", `option linePrefix of postgresql ${problem}`, { fix });
    }
    return new PostgresSession({
      context: { cluster, nowMs, readTime: makeTimeReader(timeZone) },
      readStderr: makeStderrReader(linePrefix),
      joinMs: joinSeconds * 1_000,
      areErrorsLogged: errorsLogged,
    });
  },
});
