import type { Adapted, NativeEvent, NativeRecord } from "../../adapt/index.ts";
import type { SqlFact } from "../../sql/index.ts";
import { auditOp, countsRows, isHousekeeping, isWrittenAfter } from "./audit-ops.ts";
import {
  type Act,
  databaseOf,
  type EventContext,
  failureOutcome,
  type Known,
  makeEvent,
  statementAct,
  toResources,
  unqualified,
} from "./make-event.ts";
import type { AuditRow } from "./read-audit.ts";
import type { FactReader } from "./read-facts.ts";
import {
  type AuditGroup,
  type Failure,
  isSameText,
  type Located,
  type LoginUnit,
  type Outcome,
  type PlainStatement,
  type StatementUnit,
} from "./statement-unit.ts";

/** What finishing needs to know besides the unit. */
export interface Finishing {
  readonly context: EventContext;
  readonly facts: FactReader;
  readonly known: (entry: Located["entry"]) => Known;
  /** Whether later messages of the session prove that what did not fail has succeeded. */
  readonly isProven: boolean;
}

const NO_ACCESS = "transactions, cursors and prepared statements being closed";

/** What becomes of the records of a statement. */
export function finishStatement(unit: StatementUnit, finishing: Finishing): readonly Adapted[] {
  const adapted: Adapted[] = unit.merged.map((record) => ({ kind: "merged", record }));
  const { plain } = unit;
  for (const group of unit.groups.values()) adapted.push(...finishGroup(group, unit, finishing));
  if (plain === undefined) return adapted;
  const isAudited = [...unit.groups.values()].some(({ rows }) => isSameText(rows[0]?.statement, plain.sql));
  if (isAudited) adapted.push(...plain.message.records.map((record) => ({ kind: "merged" as const, record })));
  else adapted.push(...finishPlain(plain, unit, finishing));
  return adapted;
}

function outcomeOf(failure: Failure | undefined, isKnown: boolean): Outcome {
  if (failure !== undefined) return failureOutcome(failure.entry);
  return { status: isKnown ? "success" : "unknown" };
}

function assumed(failure: Failure | undefined): readonly string[] {
  return failure?.isAssumed === true ? ["outcome:assumed"] : [];
}

/** The first record is the event's, or events'; the others belong to it. */
function withRecords(made: readonly NativeEvent[], records: readonly NativeRecord[]): readonly Adapted[] {
  const [first, ...rest] = records;
  if (first === undefined) return [];
  const events = made.map((event, part) => ({ kind: "event" as const, event, record: first, part }));
  return [...events, ...rest.map((record) => ({ kind: "merged" as const, record }))];
}

function skip(records: readonly NativeRecord[], why: string): readonly Adapted[] {
  return records.map((record) => ({ kind: "skipped", why, record }));
}

function finishPlain(plain: PlainStatement, unit: StatementUnit, finishing: Finishing): readonly Adapted[] {
  const { message, facts, failure, head, sql } = plain;
  const { entry, records } = message;
  const accesses = facts?.filter(({ isHousekeeping: isNone }) => isNone !== true);
  // A COMMIT that fails undoes what seemed to have succeeded.
  const all = accesses?.length === 0 && failure !== undefined ? facts : accesses;
  if (all?.length === 0) return skip(records, NO_ACCESS);
  const outcome = outcomeOf(failure, unit.durationMs !== undefined || finishing.isProven);
  const detail = unit.durationMs === undefined ? {} : { durationMs: unit.durationMs };
  const made = (all ?? [undefined]).map((fact) => {
    const act = statementAct(fact, entry, outcome, finishing.context.cluster);
    const warnings = [...(act.warnings ?? []), ...assumed(failure)];
    const whole: Act = { ...act, warnings, detail, head, sql };
    return makeEvent(entry, finishing.known(entry), whole, finishing.context);
  });
  return withRecords(made, records);
}

/** What of the statement's text this row stands for. */
interface AuditFact {
  readonly op?: SqlFact["op"];
  readonly objects?: SqlFact["objects"];
  readonly fields?: readonly string[] | undefined;
}

function factOf(row: AuditRow, facts: readonly SqlFact[] | undefined): AuditFact {
  if (facts === undefined || facts.length === 0) return {};
  const same = facts.filter(({ name }) => name === row.command || name.startsWith(`${row.command} `));
  const [fact] = same;
  if (fact !== undefined && same.length === 1) {
    const { objects, fields } = fact;
    // With WITH, a SELECT may have the operation of a part that pgaudit has a row of its own for.
    return { objects, fields, ...(row.command === "SELECT" ? {} : { op: fact.op }) };
  }
  const [only] = facts;
  if (facts.length > 1 || only === undefined) return {};
  if (only.name.startsWith("COPY")) return { op: only.op, objects: only.objects, fields: only.fields };
  // The query within CREATE TABLE AS, EXPLAIN, PREPARE: what it reads stands beside what the statement makes.
  if (row.command !== "SELECT") return {};
  const isRead = only.op === "READ";
  const read = isRead ? only.objects : only.objects.filter(({ role }) => role === "related");
  return { objects: read.map((object) => ({ ...object, role: "target" })) };
}

function finishGroup(group: AuditGroup, unit: StatementUnit, finishing: Finishing): readonly Adapted[] {
  const { first, rows, records, failure } = group;
  const row = rows.find(({ command }) => command !== "???") ?? rows[0];
  if (row === undefined) return [];
  if (isHousekeeping(row.command) && failure === undefined) return skip(records, NO_ACCESS);
  const { entry } = first;
  const { cluster } = finishing.context;
  const text = row.statement === undefined ? undefined : finishing.facts.read(row.statement);
  const fact = factOf(row, text);
  const { resources, warnings } = auditResources(rows, fact, text !== undefined, entry, cluster);
  const op = fact.op ?? auditOp(row.class, row.command);
  const isKnown =
    unit.durationMs !== undefined ||
    finishing.isProven ||
    isWrittenAfter(row.class, row.command, row.rows !== undefined);
  const act: Act = {
    action: { op: op ?? "OTHER", name: row.command, kind: row.class === "ROLE" ? "iam" : "datastore" },
    resources,
    outcome: outcomeOf(failure, isKnown),
    impact: {
      rows: countsRows(row.command) ? row.rows : undefined,
      fields: resources.length === 1 ? fact.fields : undefined,
    },
    trace: { correlationId: entry.sessionId === undefined ? undefined : `${entry.sessionId}/${row.statementId}` },
    detail: auditDetail(rows, row, unit.durationMs),
    warnings: [...warnings, ...(op === undefined ? ["op:default"] : []), ...assumed(failure)],
    head: `AUDIT: ${row.type},${row.statementId},${row.substatementId},${row.class},${row.command},${row.objectType ?? ""},${row.objectName ?? ""},`,
    sql: row.statement,
  };
  return withRecords([makeEvent(entry, finishing.known(entry), act, finishing.context)], records);
}

function auditDetail(
  rows: readonly AuditRow[],
  row: AuditRow,
  durationMs: string | undefined,
): NonNullable<Act["detail"]> {
  return {
    class: row.class,
    statementId: row.statementId,
    substatementId: row.substatementId,
    auditTypes: [...new Set(rows.map(({ type }) => type))],
    ...(row.hasParameters ? { hasParameters: true } : {}),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

/** The relations that the rows name; where they name none, what the statement's text does. */
function auditResources(
  rows: readonly AuditRow[],
  fact: AuditFact,
  isRead: boolean,
  entry: Located["entry"],
  cluster: string,
): { readonly resources: NativeEvent["resources"]; readonly warnings: readonly string[] } {
  const scope = entry.database === undefined ? [cluster] : [cluster, entry.database];
  const named = rows.flatMap(({ objectType = "object", objectName }) => {
    if (objectName === undefined) return [];
    return [{ type: `pg.${objectType.toLowerCase().replaceAll(" ", "-")}`, id: objectName, scope }];
  });
  if (named.length > 0) {
    return { resources: [...new Map(named.map((each) => [`${each.type} ${each.id}`, each])).values()], warnings: [] };
  }
  const { objects } = fact;
  if (objects === undefined) {
    // A row without a name whose text could be read stands for a command on nothing in particular.
    return { resources: [databaseOf(entry, cluster)], warnings: isRead ? [] : ["resource:default"] };
  }
  return { resources: toResources(objects, entry, cluster), warnings: unqualified(objects) };
}

/** What becomes of the records of a login. */
export function finishLogin(unit: LoginUnit, finishing: Finishing): readonly Adapted[] {
  const { entry, records } = unit.message;
  const act: Act = {
    action: { op: "AUTH", name: unit.act.name, kind: "auth" },
    resources: [databaseOf(entry, finishing.context.cluster)],
    outcome: outcomeOf(unit.failure, true),
    detail: unit.act.detail,
    head: entry.message,
  };
  const merged: readonly Adapted[] = unit.merged.map((record) => ({ kind: "merged", record }));
  return [...merged, ...withRecords([makeEvent(entry, finishing.known(entry), act, finishing.context)], records)];
}
