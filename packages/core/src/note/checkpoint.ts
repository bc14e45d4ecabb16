import type { KeyPair } from "../crypto/index.ts";
import { equalBytes, fromBase64, toBase64, toHex, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";
import { asHash, type Hash } from "../tree/index.ts";
import { subtreeMessage, timedSignature, verifyCheckpointSignature } from "./cosignature.ts";
import { formatNote, type Note, type NoteSignature, parseNote } from "./note.ts";
import { isKeyName, keyId, noteKeyTypes, parseVerifierKey, type VerifierKey } from "./verifier-key.ts";

/** The tree head that a checkpoint states. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Hash;
}

/** One generation of a log's keys. */
export interface CheckpointKeys {
  readonly ed25519: KeyPair;
  readonly mldsa44: KeyPair;
}

/**
 * Outcome of opening a checkpoint. `timestamps` are those of its cosignatures, in Unix seconds, in the order of their lines;
 * `signers` are the keys whose signatures were found valid.
 */
export type OpenedCheckpoint =
  | {
      readonly kind: "valid";
      readonly checkpoint: Checkpoint;
      readonly timestamps: readonly number[];
      readonly signers: readonly VerifierKey[];
    }
  | {
      readonly kind: "invalid";
      readonly why:
        | "malformed"
        | "unknown_key"
        | "bad_signature"
        | "missing_signature"
        | "not_canonical"
        | "wrong_origin";
      readonly detail: string;
    };

type Invalid = Extract<OpenedCheckpoint, { kind: "invalid" }>;

const LARGEST_SIZE = (1n << 63n) - 1n;

/** Text of a checkpoint: three lines, no extensions (C2SP tlog-checkpoint). @throws EvidentError `malformed` */
export function formatCheckpoint(checkpoint: {
  readonly origin: string;
  readonly size: bigint | number;
  readonly root: Uint8Array;
}): string {
  const { origin, size, root } = checkpoint;
  if (!isKeyName(origin)) throw new EvidentError("malformed", `not an origin: ${JSON.stringify(origin.slice(0, 100))}`);
  const text = String(size);
  if (!/^(?:0|[1-9]\d*)$/.test(text)) throw new EvidentError("malformed", `not a tree size: ${text}`);
  return `${origin}\n${text}\n${toBase64(asHash(root))}\n`;
}

/**
 * Reads the text of a checkpoint. Exactly three lines: extension lines are refused, since the ML-DSA signature does not cover them.
 *
 * @throws EvidentError `malformed`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, rest, ...more] = text.split("\n");
  if (origin === undefined || size === undefined || root === undefined || rest !== "" || more.length > 0) {
    throw new EvidentError("malformed", "a checkpoint has three lines: origin, size, root");
  }
  if (!isKeyName(origin)) throw new EvidentError("malformed", `not an origin: ${JSON.stringify(origin.slice(0, 100))}`);
  if (!/^(?:0|[1-9]\d{0,18})$/.test(size) || BigInt(size) > LARGEST_SIZE) {
    throw new EvidentError("malformed", `not a tree size: ${JSON.stringify(size.slice(0, 40))}`);
  }
  try {
    return { origin, size: BigInt(size), root: asHash(fromBase64(root)) };
  } catch (cause) {
    throw new EvidentError("malformed", "the root of the checkpoint is not the base64 of 32 bytes", { cause });
  }
}

/**
 * Signs a tree head: per key set one line of type 01 and one of type 06, both named for the origin. Several sets make a rotation note.
 *
 * @param head `timestamp` in Unix seconds
 */
export function signCheckpoint(
  head: {
    readonly origin: string;
    readonly size: bigint | number;
    readonly root: Uint8Array;
    readonly timestamp: number;
  },
  keys: readonly CheckpointKeys[],
): Uint8Array {
  const { origin, size, root, timestamp } = head;
  const text = formatCheckpoint(head);
  const message = subtreeMessage({ cosigner: origin, timestamp, origin, start: 0n, end: BigInt(size), hash: root });
  const signatures = keys.flatMap(({ ed25519, mldsa44 }): NoteSignature[] => [
    {
      name: origin,
      keyId: keyId(origin, noteKeyTypes.ed25519, ed25519.publicKey),
      signature: ed25519.sign(utf8(text)),
    },
    {
      name: origin,
      keyId: keyId(origin, noteKeyTypes.mldsa44, mldsa44.publicKey),
      signature: timedSignature(timestamp, mldsa44.sign(message)),
    },
  ]);
  return formatNote(text, signatures);
}

/**
 * Opens a checkpoint with the keys that are trusted. A known key whose signature fails spoils the whole note.
 *
 * @param vkeys the log's keys first (its name is the origin), then any witnesses'
 * @param options `strict`: every given key has signed, in the given order, and there is no other line (our own store); otherwise one
 *   valid signature of the log is enough and unknown lines are ignored (C2SP signed-note)
 */
export function openCheckpoint(
  noteBytes: Uint8Array,
  vkeys: readonly string[],
  options: { readonly strict: boolean },
): OpenedCheckpoint {
  let note: Note;
  let checkpoint: Checkpoint;
  let keys: VerifierKey[];
  try {
    keys = vkeys.map(parseVerifierKey);
    note = parseNote(noteBytes);
    checkpoint = parseCheckpoint(note.text);
  } catch (cause) {
    if (cause instanceof EvidentError) return { kind: "invalid", why: "malformed", detail: cause.message };
    throw cause;
  }
  const logName = keys[0]?.name;
  if (logName !== checkpoint.origin) {
    return invalid("wrong_origin", `the checkpoint is of ${checkpoint.origin}, the key of ${logName ?? "nobody"}`);
  }
  const lines = options.strict ? matchStrictly(note, keys) : matchKnown(note, keys);
  return Array.isArray(lines) ? checkLines(lines, note, checkpoint) : lines;
}

interface Line {
  readonly key: VerifierKey;
  readonly signature: NoteSignature;
}

function invalid(why: Invalid["why"], detail: string): Invalid {
  return { kind: "invalid", why, detail };
}

function isBy(signature: NoteSignature, key: VerifierKey): boolean {
  return signature.name === key.name && equalBytes(signature.keyId, key.keyId);
}

function describe(key: Pick<VerifierKey, "name" | "keyId">): string {
  return `${key.name} ${toHex(key.keyId)}`;
}

function matchStrictly(note: Note, keys: readonly VerifierKey[]): Line[] | Invalid {
  const stranger = note.signatures.find((signature) => !keys.some((key) => isBy(signature, key)));
  if (stranger !== undefined)
    return invalid("unknown_key", `signed by ${describe(stranger)}, which is not a key of the log`);
  const absent = keys.find((key) => !note.signatures.some((signature) => isBy(signature, key)));
  if (absent !== undefined) return invalid("missing_signature", `no signature by ${describe(absent)}`);
  const lines: Line[] = [];
  for (const [i, signature] of note.signatures.entries()) {
    const key = keys[i];
    if (key === undefined || !isBy(signature, key)) {
      return invalid("not_canonical", `signature line ${i + 1} is out of order or doubled`);
    }
    lines.push({ key, signature });
  }
  return lines;
}

function matchKnown(note: Note, keys: readonly VerifierKey[]): Line[] | Invalid {
  const lines: Line[] = [];
  for (const signature of note.signatures) {
    const key = keys.find((each) => isBy(signature, each));
    if (key !== undefined) lines.push({ key, signature });
  }
  const log = keys[0]?.name;
  return lines.some(({ key }) => key.name === log)
    ? lines
    : invalid("missing_signature", "no signature by a key of the log");
}

function checkLines(lines: readonly Line[], note: Note, checkpoint: Checkpoint): OpenedCheckpoint {
  const timestamps: number[] = [];
  for (const { key, signature } of lines) {
    const verdict = verifyCheckpointSignature(key, signature.signature, note.text, checkpoint);
    if (verdict.kind === "unknown_type")
      return invalid("unknown_key", `${describe(key)} has the unknown type ${key.type}`);
    if (verdict.kind === "bad") return invalid("bad_signature", `the signature by ${describe(key)} does not verify`);
    if (verdict.timestamp !== undefined) timestamps.push(verdict.timestamp);
  }
  return { kind: "valid", checkpoint, timestamps, signers: lines.map(({ key }) => key) };
}
