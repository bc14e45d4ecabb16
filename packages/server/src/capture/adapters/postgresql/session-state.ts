import type { NativeRecord } from "../../adapt/index.ts";
import type { SqlFact } from "../../sql/index.ts";
import type { LogEntry } from "./log-entry.ts";
import type { Known } from "./make-event.ts";
import type { Located, LoginUnit, StatementUnit } from "./statement-unit.ts";

interface ActingAs {
  readonly to: string;
  readonly isLocal: boolean;
  readonly virtualXid: string | undefined;
}

/** What one session has said so far. */
export class SessionState {
  host: string | undefined;
  port: string | undefined;
  /** From `connection authenticated`. */
  login: Readonly<Record<string, string>> = {};
  /** Records of messages before the login. */
  opening: NativeRecord[] = [];
  /** A message of a stderr log that lines may still be added to. */
  open: Located | undefined;
  unit: StatementUnit | LoginUnit | undefined;
  /** Time of the last message, Unix ms. */
  lastMs = 0;
  #role: ActingAs | undefined;

  get isWaiting(): boolean {
    return this.open !== undefined || this.unit !== undefined || this.opening.length > 0;
  }

  known(entry: LogEntry): Known {
    const role = this.#role;
    // SET LOCAL lasts as long as its transaction, which only its id tells.
    const isSet = role !== undefined && (!role.isLocal || isSameTransaction(role.virtualXid, entry.virtualXid));
    return { host: this.host, port: this.port, actingAs: isSet ? role.to : undefined };
  }

  /** Takes note of SET ROLE and of what undoes it. */
  noteFacts(facts: readonly SqlFact[], entry: LogEntry): void {
    for (const { role, name } of facts) {
      if (role !== undefined) {
        const { to, isLocal } = role;
        this.#role = to === undefined ? undefined : { to, isLocal, virtualXid: entry.virtualXid };
      } else if (name === "ROLLBACK") this.noteAbort(entry);
      else if (name === "DISCARD" || name === "RESET ALL") this.#role = undefined;
    }
  }

  /** A transaction that is undone takes a SET ROLE within it along; where the log has no ids, nobody knows whether it was within. */
  noteAbort(entry: LogEntry): void {
    const role = this.#role;
    if (role === undefined) return;
    const isOther =
      role.virtualXid !== undefined && entry.virtualXid !== undefined && role.virtualXid !== entry.virtualXid;
    if (!isOther) this.#role = undefined;
  }
}

function isSameTransaction(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && left === right;
}
