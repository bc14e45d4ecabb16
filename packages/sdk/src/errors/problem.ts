/** What an operator of the application should know. `fix` says what to do. */
export interface Problem {
  readonly code:
    | "unreachable"
    | "busy"
    | "key_refused"
    | "not_evident"
    | "too_large"
    | "refused"
    | "quarantined"
    | "spool_full"
    | "spool_failed"
    | "invalid_event"
    | "callback_failed";
  readonly message: string;
  readonly fix: string;
}
