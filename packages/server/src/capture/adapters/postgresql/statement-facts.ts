import type { SqlFact } from "../../sql/index.ts";
import { auditOp } from "./audit-ops.ts";
import type { LogEntry } from "./log-entry.ts";
import { type Act, type EventContext, failureOutcome, statementAct } from "./make-event.ts";
import type { FactReader } from "./read-facts.ts";

/** EXECUTE says which statement it runs only by name; the log adds what PREPARE said. */
export function resolveExecute(
  facts: readonly SqlFact[] | undefined,
  { detail }: LogEntry,
  reader: FactReader,
): readonly SqlFact[] | undefined {
  const [fact] = facts ?? [];
  const prefix = "prepare: ";
  if (facts?.length !== 1 || fact?.name !== "EXECUTE" || detail?.startsWith(prefix) !== true) return facts;
  const prepared = reader.read(detail.slice(prefix.length))?.[0]?.prepared;
  return prepared === undefined ? facts : [{ ...prepared, name: "EXECUTE" }];
}

/** SQLSTATEs with which the server or the network ends a session: not what somebody wanted. */
const ENDS = /^(?:08|57P0[1245]|25P0[34])/;

export function isSessionEnd({ severity, sqlState, message }: LogEntry): boolean {
  if (severity !== "FATAL") return false;
  if (sqlState !== undefined) return ENDS.test(sqlState);
  return /^(?:terminating connection |connection to client lost)/.test(message);
}

/** A failure without a readable statement: what the process was doing is all that is known. */
export function unknownFailure(entry: LogEntry, context: EventContext): Omit<Act, "head"> {
  const op = auditOp("", entry.commandTag ?? "");
  const act = statementAct(undefined, entry, failureOutcome(entry), context.cluster);
  if (op === undefined) return act;
  return {
    ...act,
    action: { ...act.action, op, name: entry.commandTag ?? "statement" },
    warnings: ["resource:default"],
  };
}

/** The statements of a text that failed: nobody says which of them did, and all are undone. */
export function combineFacts(facts: readonly SqlFact[] | undefined): SqlFact | undefined {
  const accesses = facts?.filter(({ isHousekeeping }) => isHousekeeping !== true) ?? [];
  const [first, ...others] = accesses.length > 0 ? accesses : (facts ?? []);
  if (first === undefined || others.length === 0) return first;
  if (others.some(({ op }) => op !== first.op)) return undefined;
  return { ...first, objects: [first, ...others].flatMap(({ objects }) => objects) };
}

export function replicationFact(command: string): SqlFact {
  const isCopy = command === "BASE_BACKUP" || command === "START_REPLICATION";
  const op = isCopy ? "EXPORT" : (replicationOps[command] ?? "READ");
  return { op, name: command, kind: "datastore", objects: [] };
}

const replicationOps: Readonly<Record<string, SqlFact["op"]>> = {
  CREATE_REPLICATION_SLOT: "CREATE",
  DROP_REPLICATION_SLOT: "DELETE",
  ALTER_REPLICATION_SLOT: "UPDATE",
};

export function functionFact(name: string): SqlFact {
  return {
    op: "EXECUTE",
    name: "fastpath function call",
    kind: "datastore",
    objects: [{ type: "function", id: name, role: "target" }],
  };
}
