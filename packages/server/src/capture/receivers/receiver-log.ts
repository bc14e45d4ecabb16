/** The part of the server's log that receivers use: facts, then a few words. */
export interface ReceiverLog {
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
  debug(facts: object, text: string): void;
}
