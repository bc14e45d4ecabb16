import { type Adapted, type Made, made, type NativeRecord, skipped, unreadable } from "../../adapt/index.ts";
import { classify, type Message, withParts } from "./classify.ts";
import { type Finishing, finishLogin, finishStatement } from "./finish-unit.ts";
import { type Act, databaseOf, type EventContext, failureOutcome, makeEvent, statementAct } from "./make-event.ts";
import type { AuditRow } from "./read-audit.ts";
import { FactReader } from "./read-facts.ts";
import type { SessionState } from "./session-state.ts";
import {
  combineFacts,
  functionFact,
  isSessionEnd,
  replicationFact,
  resolveExecute,
  unknownFailure,
} from "./statement-facts.ts";
import {
  isSameText,
  joinFailure,
  type Located,
  newUnit,
  type PlainStatement,
  type StatementUnit,
} from "./statement-unit.ts";

/** Where the results go. */
export interface Output {
  give(adapted: readonly Adapted[]): void;
  /** The session is over. */
  forget(key: string): void;
}

/** Rows of one statement that are joined; a function may run without end. */
const MAX_ROWS = 1_000;

/** Reads whole messages of sessions, in order, and joins those of one statement or login. */
export class MessageReader {
  readonly #context: EventContext;
  readonly #areErrorsLogged: boolean;
  readonly #output: Output;
  readonly #facts = new FactReader();

  constructor(context: EventContext, areErrorsLogged: boolean, output: Output) {
    this.#context = context;
    this.#areErrorsLogged = areErrorsLogged;
    this.#output = output;
  }

  take(key: string, state: SessionState, message: Located): void {
    const said = classify(message.entry);
    switch (said.kind) {
      case "audit":
        return this.#takeAudit(state, message, said.row);
      case "statement":
        return this.#takeStatement(state, message, said);
      case "duration":
        return this.#takeDuration(state, message, said.durationMs);
      case "failure":
        return this.#takeFailure(state, message);
      case "received":
        return this.#takeReceived(state, message, said);
      case "authenticated":
        return this.#takeAuthenticated(state, message, said);
      case "authorized":
        return this.#takeAuthorized(state, message, said);
      case "disconnected":
        return this.#takeDisconnected(key, state, message, said);
      case "replication":
        return this.#begin(state, {
          message,
          head: message.entry.message,
          sql: undefined,
          facts: [replicationFact(said.command)],
        });
      case "function":
        return this.#begin(state, {
          message,
          head: message.entry.message,
          sql: undefined,
          facts: [functionFact(said.name)],
        });
      case "forged":
        return this.#giveAll(message, forged);
      case "broken":
        return this.#giveAll(message, broken);
      case "other":
        return this.#giveAll(message, skipped(said.why));
    }
  }

  /** Lets go of what waits in a session. @param isProven whether the session went on */
  finish(state: SessionState, isProven: boolean): void {
    const { unit, opening } = state;
    state.unit = undefined;
    state.opening = [];
    this.#output.give(opening.map((record) => ({ kind: "skipped", why: NO_LOGIN, record })));
    if (unit === undefined) return;
    const finishing: Finishing = {
      context: this.#context,
      facts: this.#facts,
      known: (entry) => state.known(entry),
      isProven: isProven && this.#areErrorsLogged,
    };
    if (unit.kind === "login") {
      this.#output.give(finishLogin(unit, finishing));
      return;
    }
    this.#output.give(finishStatement(unit, finishing));
    this.#noteRoles(state, unit);
  }

  /** A role that was set holds for what comes after. */
  #noteRoles(state: SessionState, unit: StatementUnit): void {
    const { plain } = unit;
    if (plain?.failure !== undefined) state.noteAbort(plain.failure.entry);
    else if (plain?.facts !== undefined) state.noteFacts(plain.facts, plain.message.entry);
    for (const { rows, first, failure } of unit.groups.values()) {
      const [row] = rows;
      if (failure !== undefined) state.noteAbort(failure.entry);
      else if (row?.class === "MISC" && row.statement !== undefined && plain === undefined) {
        state.noteFacts(this.#facts.read(row.statement) ?? [], first.entry);
      }
    }
  }

  #giveAll({ records }: Located, each: Made): void {
    this.#output.give(records.map((record) => ({ ...each, record })));
  }

  /** The event of a message that waits for nothing. */
  #giveEvent(state: SessionState, { entry, records }: Located, act: Act): void {
    const [first, ...rest] = records;
    if (first === undefined) return;
    const event = made(makeEvent(entry, state.known(entry), act, this.#context));
    this.#output.give([{ ...event, record: first }, ...merged(rest)]);
  }

  #begin(state: SessionState, plain: PlainStatement): void {
    this.finish(state, true);
    state.unit = newUnit(plain);
  }

  #takeStatement(state: SessionState, message: Located, said: Extract<Message, { kind: "statement" }>): void {
    const { sql, durationMs } = said;
    const { unit } = state;
    const isAudited =
      unit?.kind === "statement" &&
      unit.plain === undefined &&
      [...unit.groups.values()].some(({ rows }) => isSameText(rows[0]?.statement, sql));
    if (durationMs !== undefined && isAudited) {
      unit.durationMs = durationMs;
      unit.merged.push(...message.records);
      this.finish(state, true);
      return;
    }
    const head = message.entry.message.slice(0, message.entry.message.length - sql.length);
    const facts = resolveExecute(this.#facts.read(sql), message.entry, this.#facts);
    this.#begin(state, { message, head, sql, facts });
    if (durationMs === undefined || state.unit?.kind !== "statement") return;
    state.unit.durationMs = durationMs;
    this.finish(state, true);
  }

  #takeDuration(state: SessionState, message: Located, durationMs: string): void {
    const { unit } = state;
    // Parsing and binding come before the statement itself is logged.
    const isPart = message.entry.commandTag === "PARSE" || message.entry.commandTag === "BIND";
    if (unit?.kind !== "statement" || isPart) {
      this.#giveAll(message, skipped("durations of parsing, binding and plans"));
      return;
    }
    unit.durationMs = durationMs;
    unit.merged.push(...message.records);
    this.finish(state, true);
  }

  #takeAudit(state: SessionState, message: Located, row: AuditRow): void {
    if (!this.#belongs(state.unit, row)) {
      this.finish(state, true);
      state.unit = newUnit();
    }
    const { unit } = state;
    if (unit?.kind !== "statement") return;
    const command = row.command === "???" ? "" : ` ${row.class} ${row.command}`;
    const key = `${row.statementId}/${row.substatementId}`;
    const known = unit.groups.get(key + command) ?? (command === "" ? lastOf(unit, key) : undefined);
    if (known === undefined) {
      unit.groups.set(key + command, { first: message, rows: [row], records: [...message.records] });
    } else {
      known.rows.push(row);
      known.records.push(...message.records);
    }
    unit.rowCount += 1;
    if (unit.rowCount >= MAX_ROWS) this.finish(state, false);
  }

  /** Whether a row is of the statement under way. */
  #belongs(unit: SessionState["unit"], row: AuditRow): boolean {
    if (unit?.kind !== "statement") return false;
    const [group] = unit.groups.values();
    const before = group?.rows[0];
    if (before === undefined) return unit.plain?.sql !== undefined;
    if (before.statementId === row.statementId) return true;
    // A text with several statements has an id for each.
    const isSame = row.statement !== undefined && before.statement === row.statement;
    return isSame && (this.#facts.read(row.statement)?.length ?? 0) > 1;
  }

  #takeFailure(state: SessionState, message: Located): void {
    const { entry } = message;
    const { unit } = state;
    if (entry.leaderPid !== undefined)
      return this.#giveAll(message, skipped("failures of parallel workers, which their leader states"));
    if (unit?.kind === "statement") {
      const match = joinFailure(unit, message);
      this.finish(state, match !== "elsewhere");
      state.noteAbort(entry);
      if (match === "joined") return;
    } else if (unit?.kind === "login" && entry.severity === "FATAL" && entry.statement === undefined) {
      unit.failure = { entry, isAssumed: false };
      unit.merged.push(...message.records);
      return this.finish(state, true);
    }
    if (entry.statement !== undefined) return this.#takeFailedStatement(state, message, entry.statement);
    if (entry.user === undefined && entry.host === undefined && state.host === undefined) {
      return this.#giveAll(message, skipped("failures of the server itself"));
    }
    if (isSessionEnd(entry)) return this.#giveAll(message, skipped("sessions that the server or the network ended"));
    if (entry.severity === "FATAL") return this.#takeFailedLogin(state, message);
    this.finish(state, true);
    this.#giveEvent(state, message, { ...unknownFailure(entry, this.#context), head: entry.message });
  }

  #takeFailedStatement(state: SessionState, message: Located, sql: string): void {
    const { entry } = message;
    this.finish(state, true);
    const fact = combineFacts(this.#facts.read(sql));
    const outcome = failureOutcome(entry);
    const act =
      fact === undefined
        ? unknownFailure(entry, this.#context)
        : statementAct(fact, entry, outcome, this.#context.cluster);
    this.#giveEvent(state, message, { ...act, head: `${outcome.reason ?? ""}: `, sql });
  }

  #takeFailedLogin(state: SessionState, message: Located): void {
    const { entry } = message;
    const outcome = failureOutcome(entry);
    const cause =
      outcome.status === "denied" && entry.detail !== undefined ? { cause: entry.detail.slice(0, 1_000) } : {};
    this.#output.give(merged(state.opening));
    state.opening = [];
    this.finish(state, true);
    this.#giveEvent(state, message, {
      action: { op: "AUTH", name: "connection refused", kind: "auth" },
      resources: [databaseOf(entry, this.#context.cluster)],
      outcome,
      detail: { ...state.login, ...cause },
      head: outcome.reason ?? entry.severity,
    });
  }

  #takeReceived(state: SessionState, message: Located, said: Extract<Message, { kind: "received" }>): void {
    // A process id that comes again is another session.
    this.finish(state, true);
    Object.assign(state, { host: said.host, port: said.port, login: {} });
    state.opening = [...message.records];
  }

  #takeAuthenticated(state: SessionState, message: Located, said: Extract<Message, { kind: "authenticated" }>): void {
    state.login = { method: said.method, ...(said.identity === undefined ? {} : { identity: said.identity }) };
    state.opening.push(...message.records);
  }

  #takeAuthorized(state: SessionState, message: Located, said: Extract<Message, { kind: "authorized" }>): void {
    const { opening } = state;
    state.opening = [];
    this.finish(state, true);
    const { tls } = said.parts;
    const detail = { ...state.login, ...(tls === undefined ? {} : { tls }) };
    const whole = { ...message, entry: withParts(message.entry, said.parts) };
    state.unit = { kind: "login", message: whole, merged: opening, act: { name: said.name, detail } };
  }

  #takeDisconnected(
    key: string,
    state: SessionState,
    message: Located,
    said: Extract<Message, { kind: "disconnected" }>,
  ): void {
    this.finish(state, true);
    const entry = withParts(message.entry, said.parts);
    this.#giveEvent(
      state,
      { ...message, entry },
      {
        action: { op: "LOGOUT", name: "disconnection", kind: "auth" },
        resources: [databaseOf(entry, this.#context.cluster)],
        outcome: { status: "success" },
        detail: { sessionTime: said.sessionTime },
        head: entry.message,
      },
    );
    this.#output.forget(key);
  }
}

const NO_LOGIN = "connections without a login";
const forged = unreadable(
  "message",
  "was raised by a function, in the words that the server itself uses",
  "Look at who ran the function.",
);
const broken = unreadable(
  "message",
  "begins as a row of pgaudit and is none, or was cut",
  "Check whether the log was changed or cut.",
);

function merged(records: readonly NativeRecord[]): readonly Adapted[] {
  return records.map((record) => ({ kind: "merged", record }));
}

/** The group that a row without a command of its own stands with. */
function lastOf(unit: StatementUnit, key: string): ReturnType<StatementUnit["groups"]["get"]> {
  return [...unit.groups].findLast(([name]) => name.startsWith(`${key} `))?.[1];
}
