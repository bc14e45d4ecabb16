import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import type { ReceiverLog } from "../receiver-log.ts";
import type { ReceiverEvents } from "../sink.ts";
import type { ListedObject } from "./bucket.ts";
import { listObjects } from "./list-objects.ts";
import { type DoneObject, type DoneObjects, isDone } from "./object-state.ts";
import { type ObjectReader, type ReadObject, readObject } from "./read-object.ts";

const HOUR_MS = 3_600_000;
/** Objects that appear with an older time of modification are found for so long: uploads in parts, and replicas. */
const OVERLAP_MS = 72 * HOUR_MS;
/** How often folders of past days are looked through again. */
const FULL_EVERY_MS = 24 * HOUR_MS;
/** Objects that one look takes up, oldest first; the next follows at once. */
const MAX_OBJECTS = 10_000;
const AT_ONCE = 4;
const MAX_WAIT_MS = 15 * 60_000;
/** An object that fails for so long is given up. */
const GIVE_UP_MS = 24 * HOUR_MS;
const FIRST_RETRY_MS = 10_000;
/** A statement must fit into an entry: keys have up to 1,024 bytes. */
const STATEMENT_OBJECTS = 24;
const STATEMENT_EVERY_MS = 5_000;
/** Hashes of log files, not logs. */
const DIGESTS = "/CloudTrail-Digest/";

/** Where progress is kept. */
export interface ObjectProgress {
  done(): DoneObjects;
  /** Resolves when it is durable. */
  note(beforeMs: number, objects: readonly DoneObject[]): Promise<void>;
}

/** What a poller works with. */
export interface PollerParts extends ObjectReader {
  readonly prefix: string;
  readonly startAfter: string;
  readonly everyMs: number;
  readonly progress: ObjectProgress;
  readonly events: ReceiverEvents;
  readonly log: ReceiverLog;
}

interface Attempt {
  readonly firstMs: number;
  readonly nextMs: number;
  readonly count: number;
}

/** Looks at a prefix again and again, and reads each object once. */
export class PrefixPoller {
  readonly #parts: PollerParts;
  readonly #abort = new AbortController();
  readonly #failing = new Map<string, Attempt>();
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends what is under way; an object that was half read is read again at the next start. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { everyMs, log, sender } = this.#parts;
    while (!signal.aborted) {
      let waitMs = everyMs;
      try {
        if (await this.#look()) waitMs = 0;
        this.#failures = 0;
      } catch (cause) {
        if (signal.aborted) return;
        if (cause instanceof EvidentError && cause.code === "storage_failed") {
          log.error({ receiver: sender.name, err: cause }, "nothing can be stored");
          return;
        }
        this.#failures += 1;
        waitMs = Math.max(everyMs, Math.min(MAX_WAIT_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1)));
        log.warn({ receiver: sender.name, ...describe(cause), nextInMs: waitMs }, "the bucket cannot be read");
      }
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One look. @returns whether there is more than it took up */
  async #look(): Promise<boolean> {
    const { nowMs, progress } = this.#parts;
    const atMs = nowMs();
    const isFull = atMs - this.#fullAtMs >= FULL_EVERY_MS;
    const { found, rest } = await this.#find(isFull);
    const open = new Map(found.map((object) => [nameOf(object), object.modifiedMs]));
    // Everything older than what is still open is done, but for what may yet appear with an older time.
    const beforeMs = (): number => {
      let oldest = Math.min(atMs - OVERLAP_MS, rest ?? Number.POSITIVE_INFINITY);
      for (const modifiedMs of open.values()) oldest = Math.min(oldest, modifiedMs);
      return Math.max(progress.done().beforeMs, oldest);
    };
    await this.#readAll(found, open, beforeMs);
    if (isFull && rest === undefined) this.#fullAtMs = atMs;
    // Without progress there is no hurry: what was taken up is failing.
    return rest !== undefined && open.size < found.length;
  }

  /** New objects, oldest first; `rest`: the time of the oldest that there was no room for. */
  async #find(isFull: boolean): Promise<{ readonly found: readonly ListedObject[]; readonly rest?: number }> {
    const { bucket, prefix, startAfter, progress } = this.#parts;
    const done = progress.done();
    const since = isFull || done.beforeMs === 0 ? {} : { sinceMs: done.beforeMs };
    let found: ListedObject[] = [];
    let rest: number | undefined;
    const cut = (): void => {
      // A listing may name an object twice when it changes meanwhile.
      found = [...new Map(found.map((object) => [nameOf(object), object])).values()];
      found.sort((left, right) => left.modifiedMs - right.modifiedMs || (left.key < right.key ? -1 : 1));
      const next = found[MAX_OBJECTS]?.modifiedMs;
      if (next !== undefined) rest = Math.min(rest ?? next, next);
      found = found.slice(0, MAX_OBJECTS);
    };
    for await (const object of listObjects(bucket, { prefix, startAfter, ...since }, this.#abort.signal)) {
      if (object.sizeBytes === 0 || object.key.includes(DIGESTS) || isDone(done, object)) continue;
      found.push(object);
      if (found.length >= 2 * MAX_OBJECTS) cut();
    }
    cut();
    for (const name of this.#failing.keys()) {
      if (!found.some((object) => nameOf(object) === name)) this.#failing.delete(name);
    }
    return { found, ...(rest === undefined ? {} : { rest }) };
  }

  /** Objects that failed stay in the list, so that `before` does not pass them, but are not read before their time. */
  #isWaiting(object: ListedObject, atMs: number): boolean {
    return (this.#failing.get(nameOf(object))?.nextMs ?? 0) > atMs;
  }

  async #readAll(found: readonly ListedObject[], open: Map<string, number>, beforeMs: () => number): Promise<void> {
    const { signal } = this.#abort;
    const { nowMs, progress } = this.#parts;
    const queue = found.filter((object) => !this.#isWaiting(object, nowMs())).values();
    let ready: DoneObject[] = [];
    let notedMs = performance.now();
    const note = async (): Promise<void> => {
      const objects = ready;
      ready = [];
      notedMs = performance.now();
      for (const { key, etag } of objects) open.delete(nameOf({ key, etag }));
      if (objects.length > 0) await progress.note(beforeMs(), objects);
    };
    const work = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true && !signal.aborted; next = queue.next()) {
        const done = await this.#read(next.value);
        if (done !== undefined) ready.push(done);
        if (ready.length >= STATEMENT_OBJECTS || performance.now() - notedMs > STATEMENT_EVERY_MS) await note();
      }
    };
    try {
      const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } finally {
      if (ready.length > 0) await note();
    }
  }

  /** Undefined when the object is to be tried again. @throws EvidentError when nothing can be stored */
  async #read(object: ListedObject): Promise<DoneObject | undefined> {
    const { events, log, nowMs, sender } = this.#parts;
    const { signal } = this.#abort;
    const name = nameOf(object);
    try {
      const read = await readObject(this.#parts, object, signal);
      this.#failing.delete(name);
      events.object(read.failed === undefined ? "done" : "failed");
      if (read.failed !== undefined)
        log.warn({ receiver: sender.name, key: object.key, why: read.failed }, "object damaged");
      return toDone(object, read);
    } catch (cause) {
      if (signal.aborted || (cause instanceof EvidentError && cause.code === "storage_failed")) throw cause;
      const { firstMs, count } = this.#failing.get(name) ?? { firstMs: nowMs(), count: 0 };
      const facts = { receiver: sender.name, key: object.key, ...describe(cause), attempts: count + 1 };
      if (nowMs() - firstMs >= GIVE_UP_MS) {
        this.#failing.delete(name);
        events.object("failed");
        log.error(facts, "object given up");
        const nothing = { stored: 0, duplicates: 0, quarantined: 0, skipped: 0 };
        return toDone(object, { ...nothing, failed: describe(cause).why });
      }
      const waitMs = Math.min(HOUR_MS, FIRST_RETRY_MS * 2 ** count);
      this.#failing.set(name, { firstMs, count: count + 1, nextMs: nowMs() + waitMs });
      events.object("retried");
      log.warn({ ...facts, nextInMs: waitMs }, "object not read");
      return undefined;
    }
  }
}

function nameOf({ key, etag }: Pick<ListedObject, "key" | "etag">): string {
  return `${etag} ${key}`;
}

function toDone({ key, etag, modifiedMs }: ListedObject, read: ReadObject): DoneObject {
  const { failed, ...counts } = read;
  const why = failed === undefined ? {} : { failed: failed.slice(0, 200).toWellFormed() };
  return { key, etag, modified: new Date(modifiedMs).toISOString(), ...counts, ...why };
}

/** A failure in a few words: its name and message, never its request, which holds a signature. */
function describe(cause: unknown): { readonly why: string } {
  if (!(cause instanceof Error)) return { why: "unknown" };
  const inner = cause.cause instanceof Error ? ` (${cause.cause.message})` : "";
  return { why: `${cause.name}: ${cause.message}${inner}`.slice(0, 300) };
}
