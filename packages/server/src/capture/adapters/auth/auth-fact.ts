import type { Op } from "@evident/core";
import type { NativeEvent } from "../../adapt/index.ts";

/** What a message of an authentication log says. */
export interface AuthFact {
  readonly op: Op;
  /** Program and what it did: `sshd accepted publickey`. */
  readonly name: string;
  readonly kind: NativeEvent["action"]["kind"];
  readonly status: NativeEvent["outcome"]["status"];
  readonly reason?: string;
  /** Who acted, by the name of an account. Absent: whoever is at the address, or nobody that the line names. */
  readonly user?: string;
  /** `unknown` for an account that does not exist. */
  readonly userType?: NativeEvent["actor"]["type"];
  /** Whether nobody had logged in yet: the peer is anonymous, not merely unnamed. */
  readonly isBeforeLogin?: boolean;
  readonly actingAs?: string;
  /** What was accessed: an account, a group, a command; else the program itself. */
  readonly target?: { readonly type: string; readonly id: string };
  readonly affected?: { readonly type: string; readonly id: string };
  readonly ip?: string;
  readonly port?: string;
  readonly credential?: { readonly kind: string; readonly id: string };
  readonly session?: string;
  readonly detail?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** A message as it was understood; undefined when it was not. */
export type AuthMessage = AuthFact | { readonly skipped: string } | undefined;

/** A form of messages with how it is read. Groups that did not take part are "". */
export type MessageForm = readonly [form: RegExp, read: (groups: readonly string[]) => AuthMessage];

/** Reads a message by the first form that it has. */
export function readForms(forms: readonly MessageForm[], message: string): AuthMessage {
  for (const [form, read] of forms) {
    const match = form.exec(message);
    if (match !== null) return read(match.slice(1).map((group: string | undefined) => group ?? ""));
  }
  return undefined;
}

/** An account as what was accessed. */
export function account(id: string): { readonly type: string; readonly id: string } {
  return { type: "os.account", id };
}

/** Members that say something. */
export function saying(members: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ""));
}
