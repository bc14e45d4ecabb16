import type { Op } from "@evident/core";

/** Operations by pgaudit's class and command, where the command alone does not tell. */
const byClass: Readonly<Record<string, Op>> = {
  // COPY without log_relation; with it the rows say SELECT and INSERT, and the statement says COPY.
  "READ COPY": "EXPORT",
  "WRITE COPY": "WRITE",
  "READ PREPARE": "OTHER",
  "WRITE PREPARE": "OTHER",
};

const byCommand: Readonly<Record<string, Op>> = {
  SELECT: "READ",
  INSERT: "CREATE",
  UPDATE: "UPDATE",
  DELETE: "DELETE",
  MERGE: "WRITE",
  "TRUNCATE TABLE": "DELETE",
  "DECLARE CURSOR": "READ",
  FETCH: "READ",
  MOVE: "READ",
  EXPLAIN: "READ",
  SHOW: "READ",
  EXECUTE: "EXECUTE",
  DO: "EXECUTE",
  CALL: "EXECUTE",
  LOAD: "EXECUTE",
  GRANT: "GRANT",
  "GRANT ROLE": "GRANT",
  REVOKE: "REVOKE",
  "REVOKE ROLE": "REVOKE",
  SET: "CONFIGURE",
  RESET: "CONFIGURE",
  "SET CONSTRAINTS": "CONFIGURE",
  "ALTER SYSTEM": "CONFIGURE",
  COMMENT: "UPDATE",
  "SECURITY LABEL": "UPDATE",
  "REASSIGN OWNED": "UPDATE",
  "REFRESH MATERIALIZED VIEW": "WRITE",
  "SELECT INTO": "CREATE",
  "IMPORT FOREIGN SCHEMA": "CREATE",
};
const byFirstWord: Readonly<Record<string, Op>> = { CREATE: "CREATE", ALTER: "UPDATE", DROP: "DELETE" };

/** Undefined for commands that are neither of these: VACUUM, LOCK TABLE, NOTIFY. */
export function auditOp(auditClass: string, command: string): Op | undefined {
  return byClass[`${auditClass} ${command}`] ?? byCommand[command] ?? byFirstWord[command.split(" ", 1)[0] ?? ""];
}

/** Commands that are no access to anything: transactions, and the end of cursors and prepared statements. */
const housekeeping: ReadonlySet<string> = new Set([
  "BEGIN",
  "START TRANSACTION",
  "COMMIT",
  "ROLLBACK",
  "SAVEPOINT",
  "RELEASE",
  "ROLLBACK TO SAVEPOINT",
  "PREPARE TRANSACTION",
  "COMMIT PREPARED",
  "ROLLBACK PREPARED",
  "DEALLOCATE",
  "DEALLOCATE ALL",
  "CLOSE CURSOR",
  "CLOSE CURSOR ALL",
]);

export function isHousekeeping(command: string): boolean {
  return housekeeping.has(command);
}

const dml: ReadonlySet<string> = new Set(["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"]);

/** Commands whose ROWS are rows; for the others pgaudit writes 0. */
export function countsRows(command: string): boolean {
  return dml.has(command);
}

const writtenBefore: ReadonlySet<string> = new Set(["DO", "CREATE EXTENSION", "ALTER EXTENSION", "???"]);

/**
 * Whether pgaudit writes the row only after the command has run, so that the row proves its success: utility commands, but for those that
 * may log themselves; and with `pgaudit.log_rows` queries too. (pgaudit.c: `pgaudit_ProcessUtility_hook`, `pgaudit_ExecutorEnd_hook`.)
 */
export function isWrittenAfter(auditClass: string, command: string, hasRows: boolean): boolean {
  if (dml.has(command)) return hasRows;
  return auditClass !== "FUNCTION" && !writtenBefore.has(command);
}
