import { asHash, EvidentError, type Hash, sha256 } from "@evident/core";
import type { Draft, EntryKind } from "../types.ts";

const FIRST_CAPACITY_BYTES = 64 * 1024;
const MAX_ENTRY_BYTES = 65_535;
const IDENTITY_BYTES = 24;
const CLOSING_BRACE = 0x7d;

/** Bytes that an entry has beside the draft's `rest` and the name of its kind. */
const ENVELOPE_BYTES = `{"v":1,"kind":"","received":"2026-01-01T00:00:00.000000000Z",}`.length;

/** @throws EvidentError `internal` for a draft that cannot become an entry: the stages before the ledger make none */
export function checkDraft({ kind, rest, identity }: Draft): void {
  if (identity !== undefined && identity.length !== IDENTITY_BYTES) {
    throw new EvidentError("internal", `an identity has ${IDENTITY_BYTES} bytes, not ${identity.length}`);
  }
  const envelopeBytes = ENVELOPE_BYTES + kind.length;
  if (rest.length * 3 + envelopeBytes <= MAX_ENTRY_BYTES) return;
  const sizeBytes = Buffer.byteLength(rest) + envelopeBytes;
  if (sizeBytes <= MAX_ENTRY_BYTES) return;
  throw new EvidentError(
    "internal",
    `an entry of ${sizeBytes} bytes reached the ledger; the limit is ${MAX_ENTRY_BYTES}`,
  );
}

/**
 * Entries of one trail that wait for the next commit, as the bytes the WAL record will hold: `count` times (u16 length, entry).
 * Each entry's text is written once, in place, and hashed where it lies.
 */
export class PendingEntries {
  readonly first: number;
  count = 0;
  /** Offset of each entry's length prefix, and the end as last element. */
  readonly offsets: number[] = [0];
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES);

  constructor(first: number) {
    this.first = first;
  }

  get sizeBytes(): number {
    return this.offsets[this.count] ?? 0;
  }

  get body(): Uint8Array {
    return this.#buffer.subarray(0, this.sizeBytes);
  }

  /** Writes the stored line of a draft that passed `checkDraft` and returns its leaf hash. */
  add(draft: Draft, received: string): Hash {
    const prefix = linePrefix(draft.kind, received);
    const start = this.sizeBytes;
    this.#reserve(start + 2 + prefix.length + draft.rest.length * 3 + 1);
    const buffer = this.#buffer;
    let end = start + 2;
    buffer.set(prefix, end);
    end += prefix.length;
    end += buffer.write(draft.rest, end, "utf8");
    buffer[end] = CLOSING_BRACE;
    end += 1;
    const sizeBytes = end - start - 2;
    // RFC 6962 puts 0x00 before the entry: the low byte of the length prefix lends its place while the leaf is hashed.
    buffer[start + 1] = 0;
    const leaf = asHash(sha256(buffer.subarray(start + 1, end)));
    buffer.writeUInt16BE(sizeBytes, start);
    this.count += 1;
    this.offsets.push(end);
    return leaf;
  }

  entries(): Uint8Array[] {
    const entries: Uint8Array[] = [];
    for (let i = 0; i < this.count; i += 1)
      entries.push(this.#buffer.subarray((this.offsets[i] ?? 0) + 2, this.offsets[i + 1] ?? 0));
    return entries;
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(sizeBytes, this.#buffer.length * 2));
    larger.set(this.body);
    this.#buffer = larger;
  }
}

const prefixes = new Map<EntryKind, { received: string; bytes: Uint8Array }>();

/** The line's beginning; the same for all entries of a kind in one millisecond. */
function linePrefix(kind: EntryKind, received: string): Uint8Array {
  let cached = prefixes.get(kind);
  if (cached?.received !== received) {
    cached = { received, bytes: Buffer.from(`{"v":1,"kind":"${kind}","received":"${received}",`) };
    prefixes.set(kind, cached);
  }
  return cached.bytes;
}
