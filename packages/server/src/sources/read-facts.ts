import type { QuarantineBody } from "@evident/core";

/** What is kept of an entry for the state of its source. */
export type Facts =
  | {
      readonly kind: "event";
      readonly receivedMs: number;
      /** Undefined when only the receipt's time is known. */
      readonly occurredMs: number | undefined;
      readonly source: string;
      readonly adapter: string;
      /** Number given by the sender, and who counts: a process of an application, for example; "" when it says nothing. */
      readonly seq: number | undefined;
      readonly counter: string;
      readonly lossy: boolean;
    }
  | {
      readonly kind: "quarantine";
      readonly receivedMs: number;
      readonly source: string | undefined;
      readonly adapter: string | undefined;
      readonly why: string;
      readonly field: string;
      readonly problem: string;
    };

const RECEIVED = Buffer.from('"received":"');
const OCCURRED = Buffer.from('"time":{"occurred":"');
const ORIGIN = Buffer.from('"origin":{"tenant":');
const EVENT = Buffer.from('{"v":1,"kind":"event",');
const QUARANTINE = Buffer.from('{"v":1,"kind":"quarantine",');
const TIME_LENGTH = 23;
/** Tenant, source, system, adapter, native id and version are at most this long together, escapes included, in nearly every entry. */
const ORIGIN_BYTES = 1_024;

function timeAfter(line: Buffer, name: Buffer): number {
  const at = line.indexOf(name);
  if (at < 0) return Number.NaN;
  const start = at + name.length;
  return Date.parse(`${line.toString("latin1", start, start + TIME_LENGTH)}Z`);
}

function startsWith(line: Buffer, prefix: Buffer): boolean {
  return line.length > prefix.length && line.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/**
 * Reads a stored line without parsing all of it: entries are written in one order of members, and a name in quotes cannot stand inside a
 * string, where quotes are escaped; so the first `"origin":{"tenant":` of an entry with an event is the event's.
 *
 * @returns undefined for entries that belong to no source
 */
export function readFacts(entry: Uint8Array): Facts | undefined {
  const line = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
  if (startsWith(line, EVENT)) return readEvent(line);
  return startsWith(line, QUARANTINE) ? readQuarantine(line) : undefined;
}

interface Origin {
  readonly source?: string;
  readonly adapter?: string;
  readonly nativeId?: string;
  readonly seq?: string;
  readonly lossy?: boolean;
}

function readEvent(line: Buffer): Facts | undefined {
  const origin = readOrigin(line);
  if (origin?.source === undefined) return undefined;
  const { source, adapter = "", nativeId = "", seq: text = "", lossy = false } = origin;
  const number = text === "" ? Number.NaN : Number(text);
  const seq = Number.isSafeInteger(number) ? number : undefined;
  const isCounted = seq !== undefined && nativeId.endsWith(`/${text}`);
  const basis = line.indexOf('"basis":"received"');
  const at = line.indexOf(ORIGIN);
  return {
    kind: "event",
    receivedMs: timeAfter(line, RECEIVED),
    occurredMs: basis >= 0 && basis < at ? undefined : timeAfter(line, OCCURRED),
    source,
    adapter,
    seq,
    counter: isCounted ? nativeId.slice(0, -text.length - 1) : "",
    lossy,
  };
}

function readOrigin(line: Buffer): Origin | undefined {
  const at = line.indexOf(ORIGIN);
  if (at < 0) return undefined;
  const start = at + ORIGIN.length - '{"tenant":'.length;
  const text = line.toString("utf8", start, start + ORIGIN_BYTES);
  const end = endOfObject(text);
  try {
    if (end > 0) return JSON.parse(text.slice(0, end)) as Origin;
    const whole = JSON.parse(line.toString("utf8")) as { readonly event?: { readonly origin?: Origin } };
    return whole.event?.origin;
  } catch {
    return undefined;
  }
}

/** Where the object at the beginning of a text ends; 0 when the text ends before. */
function endOfObject(text: string): number {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === 0x5c) at += 1;
      else if (character === 0x22) inString = false;
    } else if (character === 0x22) inString = true;
    else if (character === 0x7b || character === 0x5b) depth += 1;
    else if (character === 0x7d || character === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return 0;
}

function readQuarantine(line: Buffer): Facts | undefined {
  const entry = JSON.parse(line.toString("utf8")) as { readonly quarantine?: QuarantineBody };
  const { quarantine } = entry;
  if (quarantine === undefined) return undefined;
  const [reason] = quarantine.reasons;
  return {
    kind: "quarantine",
    receivedMs: timeAfter(line, RECEIVED),
    // Named by a key that may not speak for it: counted there, it would be a way to bury another source's failures or to use up all names.
    source: quarantine.why === "source_mismatch" ? undefined : quarantine.source,
    adapter: quarantine.adapter,
    why: quarantine.why,
    field: reason?.field ?? "",
    problem: reason?.problem ?? "",
  };
}
