import {
  type AccessEvent,
  type BlobReference,
  canonicalEvent,
  checkEvent,
  type Problem,
  parseJson,
  timeMs,
  utf8,
} from "@evident/core";
import type { BodyLine } from "../capture/index.ts";
import type { Draft } from "../ledger/index.ts";
import type { CheckedLine, Conflict, Producer, Refusal } from "./checked-line.ts";
import { fillOrigin } from "./fill-origin.ts";
import { identitySecret, makeIdentity, sentOf, unreadableId } from "./identity.ts";
import { asUnreadable } from "./unreadable.ts";
import type { SealedBlob, Vault } from "./vault/index.ts";

const MAX_ENTRY_BYTES = 65_535;
/** Envelope around an event: kind, received, sent, blob reference. */
const ENVELOPE_BYTES = 320;
const FUTURE_LIMIT_MS = 5 * 60_000;

export interface CheckerOptions {
  readonly macKey: Uint8Array;
  readonly vault: Vault;
  /** Unix ms that `received` follows. */
  readonly nowMs: () => number;
}

/** A line that will be stored, but for the blob that takes what does not fit. */
interface Passed {
  readonly line: number;
  readonly event: AccessEvent;
  readonly raw: string;
  readonly sent: string;
  readonly identity: Uint8Array;
  readonly text: string;
  /** What was moved out of the event, as JSON. */
  readonly overflow?: Uint8Array;
}

type Outcome =
  | { readonly kind: "passed"; readonly passed: Passed }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Frame → schema → fill from the key → overflow: turns records into drafts for the ledger. Nothing authenticated is ever dropped. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #secret: string;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#secret = identitySecret(options.macKey);
  }

  /**
   * Checks records in order. Those that fail become quarantine entries whose raw bytes are ciphertext; their keys are durable in the
   * vault when this resolves.
   *
   * @throws EvidentError `storage_failed`, `storage_full` when the vault cannot be written
   */
  check(lines: readonly BodyLine[], producer: Producer): Promise<readonly CheckedLine[]> {
    return this.#seal(
      lines.map((line) => this.#checkLine(line, producer)),
      producer,
    );
  }

  /** Quarantines checked records whose identities stand elsewhere with other content. @throws as `check` */
  quarantineConflicts(conflicts: readonly Conflict[], producer: Producer): Promise<readonly CheckedLine[]> {
    const outcomes = conflicts.map(({ line, first }) => {
      const problem = `an event with this id and source stands in trail ${first.trail} at ${first.index} with other content`;
      return refuse({
        line: line.line,
        why: "conflict",
        reasons: [{ field: "id", problem, fix: "Give each event its own id; send the same event unchanged." }],
        raw: line.raw,
        first: { trail: first.trail, index: first.index },
        ...(line.id === undefined ? {} : { id: line.id }),
        ...(line.source === undefined ? {} : { source: line.source }),
      });
    });
    return this.#seal(outcomes, producer);
  }

  async #seal(outcomes: readonly Outcome[], producer: Producer): Promise<readonly CheckedLine[]> {
    const contents = outcomes.flatMap((outcome) => contentOf(outcome) ?? []);
    const blobs = (contents.length === 0 ? [] : await this.#options.vault.sealBlobs(contents)).values();
    return outcomes.map((outcome) => {
      const blob = contentOf(outcome) === undefined ? undefined : blobs.next().value;
      return outcome.kind === "passed"
        ? toStored(outcome.passed, blob)
        : this.#toQuarantine(outcome.refusal, producer, blob);
    });
  }

  #checkLine(line: BodyLine, producer: Producer): Outcome {
    if (line.kind === "text") return this.#checkText(line.line, line.text, producer);
    const reasons =
      line.kind === "line_too_long"
        ? [tooLong(line.sizeBytes)]
        : [{ field: "", problem: "the line is not UTF-8", fix: "Send UTF-8 text." }];
    return refuse({ line: line.line, why: line.kind, raw: line.bytes, sizeBytes: line.sizeBytes, reasons });
  }

  #checkText(line: number, raw: string, producer: Producer): Outcome {
    const parsed = parseJson(raw);
    if (!parsed.ok) return refuse({ line, why: "malformed_json", raw, reasons: [parsed.problem] });
    const mismatches = fillOrigin(parsed.value, producer);
    if (mismatches.length > 0)
      return refuse({ line, why: "source_mismatch", raw, reasons: mismatches, ...nameOf(parsed.value) });
    const unreadable = asUnreadable(parsed.value);
    if (unreadable !== undefined) return refuse({ line, why: "unreadable", ...unreadable });
    const checked = checkEvent(parsed.value);
    if (!checked.ok)
      return refuse({ line, why: "invalid_event", raw, reasons: checked.problems, ...nameOf(parsed.value) });
    const { event } = checked;
    if (timeMs(event.time.occurred) > this.#options.nowMs() + FUTURE_LIMIT_MS) {
      const reason = {
        field: "time.occurred",
        problem: `${event.time.occurred} is more than five minutes ahead of our clock`,
        fix: "Correct the sender's clock.",
      };
      return refuse({ line, why: "time_in_future", raw, reasons: [reason], ...nameOf(event) });
    }
    return this.#fit(line, raw, event);
  }

  /** Moves `native`, then `detail`, out of an event that does not fit into an entry. */
  #fit(line: number, raw: string, event: AccessEvent): Outcome {
    const whole = canonicalEvent(event);
    const content = utf8(whole);
    const sent = sentOf(this.#options.macKey, content);
    const identity = makeIdentity(
      this.#secret,
      { tenant: event.origin.tenant, source: event.origin.source, id: event.id },
      sent,
    );
    const passed = { line, event, raw, sent, identity };
    if (content.length + ENVELOPE_BYTES <= MAX_ENTRY_BYTES)
      return { kind: "passed", passed: { ...passed, text: whole } };
    const { native, detail, ...rest } = event;
    const kept = detail === undefined || native === undefined ? rest : { ...rest, detail };
    for (const [small, moved] of [
      [kept, native === undefined ? { detail } : { native }],
      [rest, { detail, native }],
    ] as const) {
      const text = canonicalEvent(small);
      if (Buffer.byteLength(text) + ENVELOPE_BYTES > MAX_ENTRY_BYTES) continue;
      return { kind: "passed", passed: { ...passed, text, overflow: utf8(JSON.stringify(moved)) } };
    }
    const reason = {
      field: "",
      problem: `the event has ${content.length} bytes without detail and native; an entry holds ${MAX_ENTRY_BYTES}`,
      fix: "Send fewer resources or shorter values.",
    };
    return refuse({ line, why: "oversize", raw, reasons: [reason], ...nameOf(event) });
  }

  #toQuarantine(refusal: Refusal, producer: Producer, blob: SealedBlob | undefined): CheckedLine {
    const { line, why, reasons, raw, id, source, adapter, first } = refusal;
    const bytes = bytesOf(raw);
    const sizeBytes = refusal.sizeBytes ?? bytes.length;
    const body = {
      why,
      reasons,
      tenant: producer.tenant,
      key: producer.key,
      ...(id === undefined ? {} : { id }),
      ...(source === undefined ? {} : { source }),
      ...(adapter === undefined ? {} : { adapter }),
      line,
      sizeBytes,
      ...(sizeBytes > bytes.length ? { kept: bytes.length } : {}),
      ...(first === undefined ? {} : { first }),
    };
    const sent = sentOf(this.#options.macKey, bytes);
    const identity =
      why === "unreadable" && id !== undefined && source !== undefined
        ? makeIdentity(this.#secret, { tenant: producer.tenant, source, id: unreadableId(id) }, sent)
        : undefined;
    const draft: Draft = {
      kind: "quarantine",
      rest: `"sent":"${sent}"${blobText(blob)},"quarantine":${JSON.stringify(body)}`,
      ...(identity === undefined ? {} : { identity }),
      ...blobOf(blob),
    };
    return { line, kind: "quarantine", draft, reasons, raw, ...(id === undefined ? {} : { id }) };
  }
}

function refuse(refusal: Refusal): Outcome {
  return { kind: "refused", refusal };
}

function toStored({ line, event, raw, sent, identity, text }: Passed, blob: SealedBlob | undefined): CheckedLine {
  const draft: Draft = {
    kind: "event",
    rest: `"sent":"${sent}"${blobText(blob)},"event":${text}`,
    identity,
    ...blobOf(blob),
  };
  return { line, id: event.id, source: event.origin.source, kind: "store", draft, raw };
}

function contentOf(outcome: Outcome): Uint8Array | undefined {
  return outcome.kind === "refused" ? bytesOf(outcome.refusal.raw) : outcome.passed.overflow;
}

function blobText(blob: SealedBlob | undefined): string {
  if (blob === undefined) return "";
  const reference: BlobReference = { digest: blob.digest, sizeBytes: blob.ciphertext.length };
  return `,"blob":${JSON.stringify(reference)}`;
}

function blobOf(blob: SealedBlob | undefined): Pick<Draft, "blob"> {
  return blob === undefined ? {} : { blob: { id: blob.id, ciphertext: blob.ciphertext } };
}

function bytesOf(raw: string | Uint8Array): Uint8Array {
  return typeof raw === "string" ? utf8(raw) : raw;
}

/** Id and source of a record that may be anything, bounded. */
function nameOf(value: unknown): { readonly id?: string; readonly source?: string } {
  if (typeof value !== "object" || value === null) return {};
  const { id, origin } = value as { readonly id?: unknown; readonly origin?: { readonly source?: unknown } | null };
  const source = origin?.source;
  return {
    ...(typeof id === "string" && id !== "" && id.length <= 256 ? { id: id.toWellFormed() } : {}),
    ...(typeof source === "string" && source !== "" && source.length <= 128 ? { source: source.toWellFormed() } : {}),
  };
}

function tooLong(sizeBytes: number): Problem {
  return {
    field: "",
    problem: `the record has ${sizeBytes} bytes, more than limits.lineBytes`,
    fix: "Send smaller records; only the beginning of this one is kept.",
  };
}
