import type { Adapted, AdapterSession, NativeRecord } from "../../adapt/index.ts";
import { unreadable } from "../../adapt/index.ts";
import { HeldRecords } from "./held-records.ts";
import { type LogEntry, sessionKey } from "./log-entry.ts";
import type { EventContext } from "./make-event.ts";
import { MessageReader, type Output } from "./message-reader.ts";
import { beginsAsCsv, readCsv } from "./read-csv.ts";
import { beginsAsJson, readJson } from "./read-json.ts";
import type { StderrReader } from "./read-stderr.ts";
import { SessionState } from "./session-state.ts";
import type { Located } from "./statement-unit.ts";

/** Sessions that are remembered; of the longest silent one is forgotten what it said before. */
const MAX_SESSIONS = 10_000;
/** Records that wait for others. Beyond it the oldest session comes out as it is. */
const MAX_HELD = 20_000;

export interface SessionOptions {
  readonly context: EventContext;
  readonly readStderr: StderrReader;
  /** How long a statement waits for its end, in time of the log. */
  readonly joinMs: number;
  readonly areErrorsLogged: boolean;
}

/** Reads a server log in order: joins lines to messages, and messages of one session to events. */
export class PostgresSession implements AdapterSession {
  readonly #options: SessionOptions;
  readonly #messages: MessageReader;
  readonly #held = new HeldRecords();
  /** By session, the longest silent first. */
  readonly #sessions = new Map<string, SessionState>();
  /** Those of them that records wait in, the longest silent first. */
  readonly #waiting = new Map<string, SessionState>();
  #nowMs = 0;
  #out: Adapted[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    const output: Output = {
      give: (adapted) => {
        for (const each of adapted) {
          this.#held.release(each.record);
          this.#out.push(each);
        }
      },
      forget: (key) => {
        this.#sessions.delete(key);
        this.#waiting.delete(key);
      },
    };
    this.#messages = new MessageReader(options.context, options.areErrorsLogged, output);
  }

  take(record: NativeRecord): readonly Adapted[] {
    this.#read(record);
    this.#expire();
    return this.#drain();
  }

  end(): readonly Adapted[] {
    for (const [key, state] of this.#waiting) this.#finish(key, state, false);
    this.#waiting.clear();
    return this.#drain();
  }

  held(): NativeRecord | undefined {
    return this.#held.oldest();
  }

  #drain(): readonly Adapted[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #read(record: NativeRecord): void {
    if (beginsAsJson(record.text)) this.#takeWhole(record, readJson(record));
    else if (beginsAsCsv(record.text)) this.#takeWhole(record, readCsv(record));
    else this.#takeLine(record);
  }

  #takeWhole(record: NativeRecord, read: ReturnType<typeof readCsv>): void {
    if ("kind" in read) {
      this.#out.push({ ...read, record });
      return;
    }
    this.#tick(read);
    const [key, state] = this.#sessionOf(read);
    this.#process(key, state, { entry: read, records: [record] });
    this.#note(key, state);
  }

  #takeLine(record: NativeRecord): void {
    const line = this.#options.readStderr(record);
    if (line.kind === "none") {
      // What follows belongs to this line, whatever it is, and to no message before it.
      const last = this.#sessions.get(this.#lastKey);
      if (last !== undefined) this.#close(this.#lastKey, last);
      this.#out.push({ ...line.made, record });
      return;
    }
    if (line.kind === "addition") {
      this.#add(record, line.pid, line.addition);
      return;
    }
    this.#tick(line.entry);
    const [key, state] = this.#sessionOf(line.entry);
    this.#close(key, state);
    this.#held.hold(record);
    state.open = { entry: line.entry, records: [record] };
    this.#note(key, state);
  }

  #add(record: NativeRecord, pid: string | undefined, addition: Partial<LogEntry>): void {
    const state = this.#lastOf(pid);
    const open = state?.open;
    if (state === undefined || open === undefined) {
      this.#out.push({ kind: "skipped", why: "rest of a message whose beginning is not in the input", record });
      return;
    }
    this.#held.hold(record);
    state.open = { entry: { ...open.entry, ...addition }, records: [...open.records, record] };
  }

  #lastKey = "";

  /** The session of the message before, when it is of the same process: its lines follow each other. */
  #lastOf(pid: string | undefined): SessionState | undefined {
    const last = this.#sessions.get(this.#lastKey);
    return last?.open?.entry.pid === pid ? last : undefined;
  }

  /** Without session or process id every message is a session of its own. */
  #sessionOf(entry: LogEntry): readonly [string, SessionState] {
    const key = sessionKey(entry) ?? "";
    if (key !== this.#lastKey || key === "") {
      const last = this.#sessions.get(this.#lastKey);
      // The lines of a message are written at once: another one's message ends it.
      if (last !== undefined) this.#close(this.#lastKey, last);
      if (this.#lastKey === "" && last !== undefined) this.#finish("", last, false);
    }
    this.#lastKey = key;
    const known = key === "" ? undefined : this.#sessions.get(key);
    this.#sessions.delete(key);
    const state = known ?? new SessionState();
    this.#sessions.set(key, state);
    if (this.#sessions.size > MAX_SESSIONS) this.#forgetOldest();
    return [key, state];
  }

  #forgetOldest(): void {
    for (const [key, state] of this.#sessions) {
      this.#finish(key, state, false);
      this.#sessions.delete(key);
      return;
    }
  }

  #note(key: string, state: SessionState): void {
    state.lastMs = this.#nowMs;
    this.#waiting.delete(key);
    if (state.isWaiting) this.#waiting.set(key, state);
  }

  /** Ends the message that lines could be added to. */
  #close(key: string, state: SessionState): void {
    const { open } = state;
    if (open === undefined) return;
    state.open = undefined;
    this.#process(key, state, open);
    if (!state.isWaiting) this.#waiting.delete(key);
  }

  /** What the log's clock shows, for what waits in other sessions. */
  #tick({ time }: LogEntry): void {
    const read = time === undefined ? undefined : this.#options.context.readTime(time);
    if (read?.ok === true) this.#nowMs = Math.max(this.#nowMs, Date.parse(read.time.occurred));
  }

  #process(key: string, state: SessionState, message: Located): void {
    const { time } = message.entry;
    const read = time === undefined ? undefined : this.#options.context.readTime(time);
    if (read?.ok === false) {
      const made = unreadable("time", read.problem, "Set timeZone to what the server's log_timezone is.");
      this.#out.push(...message.records.map((record) => ({ ...made, record })));
      for (const record of message.records) this.#held.release(record);
      return;
    }
    for (const record of message.records) this.#held.hold(record);
    this.#messages.take(key, state, message);
  }

  #finish(key: string, state: SessionState, isProven: boolean): void {
    this.#close(key, state);
    this.#messages.finish(state, isProven);
    this.#waiting.delete(key);
  }

  #expire(): void {
    for (const [key, state] of this.#waiting) {
      const isOld = this.#nowMs - state.lastMs > this.#options.joinMs;
      if (!isOld && this.#held.count <= MAX_HELD) return;
      this.#finish(key, state, false);
    }
  }
}
