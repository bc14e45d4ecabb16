import { hash } from "node:crypto";
import type { Problem } from "@evident/core";
import type { BodyLine } from "../body-line.ts";
import type { AdaptContext, Adapted, Adapter, AdapterSession } from "./adapter.ts";
import { InFlight, type LineRange, Replay, type ResumePoint } from "./in-flight.ts";
import { NativeRecord, nextKey } from "./native-record.ts";
import { tidyEvent } from "./tidy-event.ts";

/** Lines that one record may span, and its characters: beyond them it ends. */
const MAX_RECORD_LINES = 10_000;
const MAX_RECORD_CHARACTERS = 1 << 20;
const MAX_ID_LENGTH = 200;

/** A record of the input with what became of it, ready to be submitted. */
export type Reading =
  /** `json`: the event, one line. */
  | { readonly kind: "event"; readonly line: number; readonly lines: number; readonly json: string }
  | {
      readonly kind: "unreadable";
      readonly line: number;
      readonly lines: number;
      readonly key: string;
      /** The format it was read as; undefined when none was recognised. */
      readonly adapter: string | undefined;
      readonly raw: string | Uint8Array;
      /** Whole length when `raw` is only the beginning. */
      readonly sizeBytes?: number;
      readonly reasons: readonly Problem[];
    }
  | { readonly kind: "skipped"; readonly line: number; readonly lines: number; readonly why: string }
  | { readonly kind: "merged"; readonly line: number; readonly lines: number };

export interface AdaptStreamOptions {
  /** One adapter, or several to choose from record by record. */
  readonly adapters: readonly Adapter[];
  /** Checked by `parseAdapterOptions`, by adapter. */
  readonly optionsOf: (adapter: Adapter) => Readonly<Record<string, unknown>>;
  readonly context: AdaptContext;
  /** In `origin.source` of what comes out. Absent: the API key's only source is filled in later. */
  readonly source?: string;
  /** Key before the first record: `firstKey`, or the key of the record before a place to go on from. */
  readonly key: string;
  /** The line that comes first, from 1; 1 when absent. To go on from a `ResumePoint`, give all of its members. */
  readonly line?: number;
  readonly next?: number;
  readonly waiting?: readonly LineRange[];
}

interface OpenRecord {
  readonly line: number;
  readonly adapter: Adapter;
  text: string;
  lines: number;
  readonly keyBefore: string;
}

/** Makes events of the lines of one input, in order. Lines that cannot be read come out as such; nothing is thrown for its content. */
export class AdaptStream {
  readonly #options: AdaptStreamOptions;
  readonly #sessions = new Map<Adapter, AdapterSession>();
  readonly #inFlight = new InFlight();
  readonly #replay: Replay;
  #last: Adapter | undefined;
  #open: OpenRecord | undefined;
  #key: string;
  #nextLine: number;

  constructor(options: AdaptStreamOptions) {
    this.#options = options;
    this.#key = options.key;
    this.#nextLine = options.line ?? 1;
    this.#replay = new Replay({ ...options, line: this.#nextLine });
    this.#last = options.adapters.length === 1 ? options.adapters[0] : undefined;
  }

  /** Takes lines and returns what is known now, of them or of lines before. */
  take(lines: readonly BodyLine[]): readonly Reading[] {
    const readings: Reading[] = [];
    for (const line of lines) {
      this.#nextLine = line.line + 1;
      if (this.#replay.isDone(line.line)) this.#pass(line, readings);
      else if (line.kind === "text") this.#takeText(line.line, line.text, readings);
      else this.#takeBytes(line, readings);
    }
    return readings;
  }

  /** Ends what waits for more lines of the input: nothing came for a while, or it is over. */
  end(): readonly Reading[] {
    const readings: Reading[] = [];
    this.#closeOpen(readings);
    for (const [adapter, session] of this.#sessions) this.#give(adapter, session.end(), readings);
    return readings;
  }

  /** From where to read again should everything that has come out be stored. */
  resumePoint(): ResumePoint {
    const open = this.#open;
    const waiting = this.#inFlight.ranges();
    if (open !== undefined) waiting.push([open.line, open.line + open.lines - 1]);
    const rest = this.#replay.rest(this.#nextLine);
    if (rest !== undefined) waiting.push(...rest.waiting);
    const oldest = this.#inFlight.first ?? (open === undefined ? undefined : { line: open.line, key: open.keyBefore });
    const { line, key } = oldest ?? { line: this.#nextLine, key: this.#key };
    const next = rest?.next ?? this.#nextLine;
    return next === line ? { line, key } : { line, key, next, waiting };
  }

  #oldestHeld(): NativeRecord | undefined {
    let oldest: NativeRecord | undefined;
    for (const session of this.#sessions.values()) {
      const held = session.held();
      if (held !== undefined && held.line < (oldest?.line ?? Number.POSITIVE_INFINITY)) oldest = held;
    }
    return oldest;
  }

  /** Passes over a line that came out when it was read before. */
  #pass(line: BodyLine, readings: Reading[]): void {
    this.#closeOpen(readings);
    this.#key = line.kind === "text" ? nextKey(this.#key, line.text) : keyOfBytes(this.#key, line);
  }

  #takeText(line: number, text: string, readings: Reading[]): void {
    const open = this.#open;
    if (open !== undefined) {
      const { framing } = open.adapter;
      const continues = framing.kind === "lines" ? framing.continues : undefined;
      const hasRoom = open.lines < MAX_RECORD_LINES && open.text.length < MAX_RECORD_CHARACTERS;
      if (hasRoom && continues !== undefined && isFound(() => continues(open.text, text, open))) {
        open.text += `\n${text}`;
        open.lines += 1;
        this.#key = nextKey(this.#key, text);
        return;
      }
      this.#closeOpen(readings);
    }
    const keyBefore = this.#key;
    this.#key = nextKey(keyBefore, text);
    const record = new NativeRecord(line, text, this.#key);
    const adapter = this.#choose(record);
    if (adapter === undefined) {
      readings.push({
        kind: "unreadable",
        line,
        lines: 1,
        key: this.#key,
        adapter: undefined,
        raw: text,
        reasons: [unknown],
      });
      return;
    }
    if (adapter.framing.kind === "lines" && adapter.framing.continues !== undefined) {
      this.#open = { line, adapter, text, lines: 1, keyBefore };
      return;
    }
    this.#read(adapter, record, keyBefore, readings);
  }

  #takeBytes(line: Exclude<BodyLine, { readonly kind: "text" }>, readings: Reading[]): void {
    this.#closeOpen(readings);
    this.#key = keyOfBytes(this.#key, line);
    const reason: Problem =
      line.kind === "line_too_long"
        ? {
            field: "",
            problem: `the record has ${line.sizeBytes} bytes`,
            fix: "Only its beginning is kept; see limits.lineBytes.",
          }
        : { field: "", problem: "the record is not UTF-8 text", fix: "Check that the file is the log it should be." };
    const { bytes, sizeBytes } = line;
    readings.push({
      kind: "unreadable",
      line: line.line,
      lines: 1,
      key: this.#key,
      adapter: this.#last?.name,
      raw: bytes,
      ...(sizeBytes > bytes.length ? { sizeBytes } : {}),
      reasons: [reason],
    });
  }

  #closeOpen(readings: Reading[]): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#read(open.adapter, new NativeRecord(open.line, open.text, this.#key, open.lines), open.keyBefore, readings);
  }

  /** The adapter of the record before when it fits: logs are rarely mixed. */
  #choose(record: NativeRecord): Adapter | undefined {
    const { adapters } = this.#options;
    if (adapters.length === 1) return adapters[0];
    const last = this.#last;
    if (last !== undefined && isFound(() => last.recognises(record))) return last;
    const found = adapters.find((adapter) => adapter !== last && isFound(() => adapter.recognises(record)));
    if (found !== undefined) this.#last = found;
    return found;
  }

  #read(adapter: Adapter, record: NativeRecord, keyBefore: string, readings: Reading[]): void {
    const session = this.#sessionOf(adapter);
    this.#inFlight.add(record, keyBefore);
    let adapted: readonly Adapted[];
    try {
      adapted = session.take(record);
    } catch (cause) {
      // A record that no rule foresaw must cost itself only.
      const problem = `the adapter ${adapter.name} failed: ${cause instanceof Error ? cause.message.slice(0, 200) : "no error"}`;
      const reasons = [{ field: "", problem, fix: "Please report it with the record." }];
      adapted = [{ kind: "unreadable", reasons, record }];
    }
    this.#give(adapter, adapted, readings);
    this.#inFlight.keepFrom(this.#oldestHeld());
  }

  #sessionOf(adapter: Adapter): AdapterSession {
    const known = this.#sessions.get(adapter);
    if (known !== undefined) return known;
    const session = adapter.open(this.#options.optionsOf(adapter), this.#options.context);
    this.#sessions.set(adapter, session);
    return session;
  }

  #give(adapter: Adapter, adapted: readonly Adapted[], readings: Reading[]): void {
    for (const each of adapted) {
      this.#inFlight.remove(each.record);
      readings.push(toReading(adapter.name, each, this.#options.source));
    }
  }
}

/** Of a record that is too long only the beginning is known: its length tells it from others that begin so. */
function keyOfBytes(before: string, { kind, bytes, sizeBytes }: Exclude<BodyLine, { readonly kind: "text" }>): string {
  const key = nextKey(before, bytes);
  return kind === "line_too_long" ? nextKey(key, String(sizeBytes)) : key;
}

/** A record that a pattern has no stack for, megabytes within one quotation, is not of that pattern: it must cost itself only. */
function isFound(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

const unknown: Problem = {
  field: "",
  problem: "no adapter recognises the record",
  fix: "Name its format with --format; `evident adapters` lists them.",
};

function toReading(adapter: string, adapted: Adapted, source: string | undefined): Reading {
  const { record } = adapted;
  const { line, lines } = record;
  switch (adapted.kind) {
    case "event": {
      const { event, part = 0 } = adapted;
      const id = eventId(event.origin.nativeId ?? undefined, record.key, part);
      // What is missing here, the tenant at least, is filled in from the API key.
      const origin = { ...event.origin, source, adapter };
      const json = JSON.stringify(tidyEvent({ v: 1, id, ...event, origin }));
      return { kind: "event", line, lines, json };
    }
    case "unreadable":
      return { kind: "unreadable", line, lines, key: record.key, adapter, raw: record.text, reasons: adapted.reasons };
    case "skipped":
      return { kind: "skipped", line, lines, why: adapted.why };
    case "merged":
      return { kind: "merged", line, lines };
  }
}

/** The id of the event: the source's own, its digest when that is long, or the record's key. */
function eventId(nativeId: string | undefined, key: string, part: number): string {
  const suffix = part === 0 ? "" : `/${part}`;
  if (nativeId === undefined || nativeId === "" || nativeId === "-") return `${key}${suffix}`;
  if (nativeId.length <= MAX_ID_LENGTH) return `${nativeId}${suffix}`;
  return `sha256:${hash("sha256", nativeId, "hex")}${suffix}`;
}
