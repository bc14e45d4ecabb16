import type { LogEntry } from "./log-entry.ts";

const QUOTED = /"[^"]*"|'[^']*'/g;
/** What stands in double quotes in these messages are names: SQLSTATE classes about connections, privileges, objects, limits, the server. */
const NAMES_ONLY = /^(?:08|0A|23|25|28|3B|3D|3F|40|42|53|54|55|57)/;
const NEAR = / at or near "([^]*)"(?: at character \d+)?$/;

/**
 * The words of a failure without values: texts in single quotes, and texts in double quotes where they may be values rather than names
 * (invalid input, and whatever a function raised). Of a syntax error the place stays only when it is a word of the masked statement.
 */
export function maskReason(entry: LogEntry, statement: string | undefined): string {
  const { message, sqlState = guessSqlState(message) ?? "" } = entry;
  const near = NEAR.exec(message);
  if (near !== null) {
    const word = near[1] ?? "";
    const isKept = /^(?:\w+|[^\w'"]{1,3})$/.test(word) && (statement ?? "").split(/[^\w]+|(?=\W)/).includes(word);
    return isKept ? message : `${message.slice(0, near.index)} at or near "?"`;
  }
  const keepsNames = NAMES_ONLY.test(sqlState);
  return message.replaceAll(QUOTED, (text) =>
    keepsNames && text.startsWith('"') ? text : `${text[0] ?? ""}?${text[0] ?? ""}`,
  );
}

/** Words that PostgreSQL uses with one SQLSTATE only, for logs without it: the first that fits. */
const sqlStates: readonly (readonly [RegExp, string])[] = [
  [/^password authentication failed for user /, "28P01"],
  [/^(?:\S+ )?authentication failed for user /, "28000"],
  [/^no pg_hba\.conf entry for /, "28000"],
  [/^pg_hba\.conf rejects /, "28000"],
  [/^role "[^"]*" is not permitted to log in$/, "28000"],
  [/^permission denied\b/, "42501"],
  [/^must be (?:owner of|superuser|member of|able to)\b/, "42501"],
  [/^new row violates row-level security policy\b/, "42501"],
  [/^query would be affected by row-level security policy\b/, "42501"],
  [/^syntax error\b/, "42601"],
  [/^(?:relation|type|schema|function|operator|column|role|server|extension) .* does not exist\b/, "42704"],
  [/^(?:relation|type|schema|role|column) .* already exists\b/, "42710"],
  [/^database "[^"]*" does not exist$/, "3D000"],
  [/^duplicate key value violates unique constraint "/, "23505"],
  [/ violates (?:foreign key|not-null|check|exclusion)[ -]constraint/, "23000"],
  [/^the database system is /, "57P03"],
  [/^terminating (?:connection|background worker)\b/, "57P01"],
  [/^canceling statement due to /, "57014"],
  [/^(?:sorry, )?too many (?:clients|connections)\b/, "53300"],
  [/^remaining connection slots are reserved\b/, "53300"],
];

/** The SQLSTATE, or its class, that a message implies; never to be stated as the log's. */
export function guessSqlState(message: string): string | undefined {
  return sqlStates.find(([form]) => form.test(message))?.[1];
}
