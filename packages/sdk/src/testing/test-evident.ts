import type { Evident, Flushed, Stats } from "../client/index.ts";
import { changesOf } from "../digest/index.ts";
import {
  type AccessEvent,
  type EventDraft,
  type Impact,
  makeLine,
  makeOpenAccess,
  type OpenAccess,
  type Recorded,
  uuidV7,
} from "../event/index.ts";
import { checkSchema } from "./check-schema.ts";
import { sentEventSchema } from "./event-schema.ts";

/** Some members of a value, at any depth. Of a list, each given item has to match one of its items. */
export type Part<Value> = Value extends string
  ? Value | RegExp
  : Value extends readonly (infer Item)[]
    ? readonly Part<Item>[]
    : Value extends object
      ? { readonly [Name in keyof Value]?: Part<Value[Name]> }
      : Value;

/** An expectation that does not hold; the message lists what was recorded. */
export class ExpectationError extends Error {
  override readonly name = "ExpectationError";
}

function matches(part: unknown, value: unknown): boolean {
  if (part instanceof RegExp) return typeof value === "string" && part.test(value);
  if (Array.isArray(part))
    return Array.isArray(value) && part.every((item) => value.some((candidate) => matches(item, candidate)));
  if (typeof part !== "object" || part === null) return Object.is(part, value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(part).every(
    ([name, member]) => member === undefined || matches(member, (value as Record<string, unknown>)[name]),
  );
}

function summary({ actor, action, resources, outcome, detail }: AccessEvent): string {
  const named = resources.map(({ type, id }) => `${type} ${id}`).join(", ");
  const more = detail === undefined ? "" : ` ${JSON.stringify(detail)}`;
  return `${action.op} ${action.name} by ${actor.type} ${actor.id} on ${named}: ${outcome.status}${more}`;
}

/**
 * A client for tests: keeps what is recorded in memory and sends nothing. What a server would put into quarantine throws at `record`, so
 * that a test fails where the mistake is.
 */
export class TestEvident implements Evident {
  readonly #system: string;
  readonly #instance = uuidV7(Date.now());
  #events: AccessEvent[] = [];
  #seq = 0;
  #open = 0;

  constructor({ system = "test" }: { readonly system?: string } = {}) {
    this.#system = system;
  }

  /** What was recorded, oldest first. */
  get events(): readonly AccessEvent[] {
    return this.#events;
  }

  /** Forgets what was recorded. */
  clear(): void {
    this.#events = [];
  }

  /** Events of which this is a part. A RegExp may stand for a text. */
  find(part: Part<AccessEvent>): readonly AccessEvent[] {
    return this.#events.filter((event) => matches(part, event));
  }

  /** The one event of which this is a part. @throws ExpectationError when there is none, or more than one */
  expectOne(part: Part<AccessEvent>): AccessEvent {
    const [event, ...others] = this.find(part);
    if (event !== undefined && others.length === 0) return event;
    throw this.#unexpected(
      `expected one event with ${JSON.stringify(part)}, found ${event === undefined ? "none" : 1 + others.length}`,
    );
  }

  /** @throws ExpectationError when an event has this part; without one, when anything was recorded */
  expectNone(part: Part<AccessEvent> = {}): void {
    const found = this.find(part).length;
    if (found > 0) throw this.#unexpected(`expected no event with ${JSON.stringify(part)}, found ${found}`);
  }

  #unexpected(message: string): ExpectationError {
    const recorded = this.#events.map((event) => `\n  ${summary(event)}`).join("");
    return new ExpectationError(`${message}; recorded ${recorded === "" ? "was nothing" : `were:${recorded}`}`);
  }

  /** @throws TypeError for an event that the server would put into quarantine */
  record(draft: EventDraft): Recorded {
    const nowMs = Date.now();
    return this.#record(draft, draft.id ?? uuidV7(nowMs), nowMs);
  }

  #record(draft: EventDraft, id: string, nowMs: number): Recorded {
    const seq = this.#seq + 1;
    const stamp = { system: this.#system, source: undefined, instance: this.#instance };
    const event = JSON.parse(makeLine(draft, stamp, { id, seq, nowMs })) as AccessEvent;
    const problems = checkSchema(sentEventSchema, event);
    if (problems.length > 0) throw new TypeError(`the server would quarantine this event: ${problems.join("; ")}`);
    this.#seq = seq;
    this.#events.push(event);
    return { kind: "accepted", id, seq };
  }

  recordDurable(draft: EventDraft): Promise<Recorded> {
    return Promise.resolve(this.record(draft));
  }

  begin(): OpenAccess {
    const begunMs = Date.now();
    const id = uuidV7(begunMs);
    this.#open += 1;
    const record = (draft: EventDraft): Recorded => this.#record(draft, draft.id ?? id, begunMs);
    const forget = (): void => {
      this.#open -= 1;
    };
    return makeOpenAccess({ id, begunMs, record, forget });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  flush(): Promise<Flushed> {
    return Promise.resolve({ kind: "flushed" });
  }

  close(): Promise<Flushed> {
    return this.flush();
  }

  stats(): Stats {
    const sent = { stored: this.#seq, duplicates: 0, quarantined: 0, setAside: 0 };
    const adopted = { writers: 0, events: 0, unfinished: 0 };
    const counts = { accepted: this.#seq, refused: 0, dropped: 0, waiting: 0, open: this.#open, spoolBytes: 0 };
    return { instance: this.#instance, lastSeq: this.#seq, ...counts, sent, adopted };
  }

  /** A digest for tests, not keyed: equal values have equal ones. */
  digest(value: unknown): string {
    return `test:${JSON.stringify(value)}`.slice(0, 1_024);
  }

  changes(before: unknown, after: unknown): Pick<Impact, "fields" | "before" | "after"> {
    return changesOf(before, after, (value) => this.digest(value));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Makes a client for tests. `system` is what the events say; `test` when absent. */
export function createTestEvident(options: { readonly system?: string } = {}): TestEvident {
  return new TestEvident(options);
}
