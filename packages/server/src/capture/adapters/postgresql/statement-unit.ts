import type { NativeEvent, NativeRecord } from "../../adapt/index.ts";
import type { SqlFact } from "../../sql/index.ts";
import type { LogEntry } from "./log-entry.ts";
import type { AuditRow } from "./read-audit.ts";

export type Outcome = NativeEvent["outcome"];

/** A message with the records that it stands in, at least one. */
export interface Located {
  readonly entry: LogEntry;
  readonly records: readonly NativeRecord[];
}

/** Rows of pgaudit that are one event: one command of one statement, with its relations. */
export interface AuditGroup {
  readonly first: Located;
  readonly rows: AuditRow[];
  readonly records: NativeRecord[];
  failure?: Failure;
}

/** A statement that was logged as it began. */
export interface PlainStatement {
  readonly message: Located;
  /** What stands before the SQL: `statement: `. */
  readonly head: string;
  readonly sql: string | undefined;
  /** Undefined when the text could not be read. */
  readonly facts: readonly SqlFact[] | undefined;
  failure?: Failure;
}

/** The failure that a statement ended in; `isAssumed` when only the words say that it is this statement's. */
export interface Failure {
  readonly entry: LogEntry;
  readonly isAssumed: boolean;
}

/** One statement under way in a session, with all that is said about it. */
export interface StatementUnit {
  readonly kind: "statement";
  readonly plain: PlainStatement | undefined;
  readonly groups: Map<string, AuditGroup>;
  /** Records of durations and failures. */
  readonly merged: NativeRecord[];
  rowCount: number;
  durationMs: string | undefined;
}

/** A login that has succeeded, unless the next message of the session says otherwise. */
export interface LoginUnit {
  readonly kind: "login";
  readonly message: Located;
  /** Records of the messages before. */
  readonly merged: NativeRecord[];
  readonly act: LoginAct;
  failure?: Failure;
}

export interface LoginAct {
  readonly name: string;
  readonly detail: Readonly<Record<string, string>>;
}

export function newUnit(plain?: PlainStatement): StatementUnit {
  return { kind: "statement", plain, groups: new Map(), merged: [], rowCount: 0, durationMs: undefined };
}

const REDACTED = /<REDACTED>$/;

/** Whether pgaudit's text of a statement is this one: it cuts off what follows a password. */
export function isSameText(audited: string | undefined, sql: string | undefined): boolean {
  if (audited === undefined || sql === undefined) return false;
  if (audited === sql) return true;
  return REDACTED.test(audited) && sql.startsWith(audited.replace(REDACTED, ""));
}

/** Whether both state their transaction, and not the same. */
function differInTransaction(left: LogEntry, right: LogEntry): boolean {
  return left.virtualXid !== undefined && right.virtualXid !== undefined && left.virtualXid !== right.virtualXid;
}

function shareTransaction(left: LogEntry, right: LogEntry): boolean {
  return left.virtualXid !== undefined && left.virtualXid === right.virtualXid;
}

/** What a failure is to a statement: its end, the end of one with the same words in another transaction, or of another. */
export type Match = "joined" | "elsewhere" | "no";

/** Joins a failure to the statement that it ended. */
export function joinFailure(unit: StatementUnit, { entry, records }: Located): Match {
  const { plain, groups } = unit;
  const { statement } = entry;
  if (plain !== undefined && (statement === undefined || plain.sql === statement)) {
    if (differInTransaction(plain.message.entry, entry)) return "elsewhere";
    const isAssumed = statement === undefined && !shareTransaction(plain.message.entry, entry);
    plain.failure = { entry, isAssumed };
    // Whatever was audited since then is part of it.
    for (const group of groups.values()) group.failure = { entry, isAssumed };
    unit.merged.push(...records);
    return "joined";
  }
  const same = [...groups.values()].filter(({ rows, first }) => {
    const audited = rows[0]?.statement;
    if (audited === undefined || statement === undefined) return shareTransaction(first.entry, entry);
    return isSameText(audited, statement);
  });
  const [group] = same;
  if (group === undefined || isDeniedBefore(group, entry)) return "no";
  if (differInTransaction(group.first.entry, entry)) return "elsewhere";
  // Equal words could be the next statement's, unless the transaction is the same; the statement as a whole has failed.
  const isAssumed = !shareTransaction(group.first.entry, entry) || statement === undefined;
  for (const other of groups.values()) other.failure = { entry, isAssumed };
  unit.merged.push(...records);
  return "joined";
}

/** Privileges on relations are checked before pgaudit writes its row: a denial without context is of a later statement. */
function isDeniedBefore({ rows }: AuditGroup, entry: LogEntry): boolean {
  const [row] = rows;
  const isQuery = row?.class === "READ" || row?.class === "WRITE";
  const isDenial = entry.sqlState === "42501" || entry.message.startsWith("permission denied ");
  return isQuery && isDenial && entry.context === undefined;
}
