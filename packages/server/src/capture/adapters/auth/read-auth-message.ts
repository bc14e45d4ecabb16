import { accountPrograms, readAccountChange } from "./account-messages.ts";
import type { AuthMessage } from "./auth-fact.ts";
import { readPam } from "./pam-messages.ts";
import { readSshd } from "./sshd-messages.ts";
import { readLogin, readLogind, readPolkit, readSu, readSudo } from "./switch-messages.ts";

const readers: Readonly<Record<string, (message: string) => AuthMessage>> = {
  login: readLogin,
  polkitd: readPolkit,
  sshd: readSshd,
  "sshd-auth": readSshd,
  "sshd-session": readSshd,
  su: readSu,
  sudo: readSudo,
  "systemd-logind": readLogind,
};

/** `/usr/sbin/sshd` and `polkitd(authority=local)` are called by their plain names. */
export function programOf(app: string | undefined): string {
  return (app ?? "").replace(/^.*\//, "").replace(/\(.*$/, "");
}

/** Whether a program writes to the authentication log. */
export function isAuthProgram(app: string | undefined): boolean {
  const program = programOf(app);
  return Object.hasOwn(readers, program) || accountPrograms.has(program);
}

/** Whether a message is of a kind that this reader knows, whoever wrote it. */
export function isAuthMessage(app: string | undefined, message: string): boolean {
  return isAuthProgram(app) || /^pam_\w{1,32}\([^\s:()]{1,64}:\w{1,32}\): /.test(message);
}

/** Reads a message of an authentication log; undefined when nothing is known of its form. */
export function readAuthMessage(app: string | undefined, message: string): AuthMessage {
  const program = programOf(app);
  const pam = readPam(message, program);
  if (pam !== "other") return pam;
  const read = Object.hasOwn(readers, program) ? readers[program] : undefined;
  return read === undefined ? readAccountChange(program, message) : read(message);
}
