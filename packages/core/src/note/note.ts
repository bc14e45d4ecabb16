import { concatBytes, equalBytes, fromBase64, fromUtf8, toBase64, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";
import { isKeyName } from "./verifier-key.ts";

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A signed note; `text` ends with a newline. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Largest note that is read, in bytes, and the most signature lines. */
export const noteLimits = { sizeBytes: 1 << 20, signatures: 128 } as const;

const DASH = "\u2014 ";
const KEY_ID_BYTES = 4;

/**
 * Reads a signed note (C2SP signed-note): valid UTF-8, no control characters but newline, text and signatures apart at the last empty
 * line. Base64 must be canonical, so that a note has one byte form only.
 *
 * @throws EvidentError `malformed`
 */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > noteLimits.sizeBytes) throw new EvidentError("malformed", `a note of ${bytes.length} bytes`);
  const whole = decode(bytes);
  const border = whole.lastIndexOf("\n\n");
  if (border < 0 || !whole.endsWith("\n"))
    throw new EvidentError("malformed", "a note needs text, an empty line and signatures");
  const lines = whole.slice(border + 2, -1).split("\n");
  if (lines.length > noteLimits.signatures)
    throw new EvidentError("malformed", `a note with ${lines.length} signatures`);
  const note = { text: whole.slice(0, border + 1), signatures: lines.map(parseSignature) };
  if (!equalBytes(formatNote(note.text, note.signatures), bytes))
    throw new EvidentError("malformed", "the note is not canonical");
  return note;
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new EvidentError("malformed", "the note is not UTF-8", { cause });
  }
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a)
      throw new EvidentError("malformed", `the note holds the control character ${code}`);
  }
  return text;
}

function parseSignature(line: string, number: number): NoteSignature {
  const broken = (cause?: unknown): EvidentError =>
    new EvidentError("malformed", `signature line ${number + 1} of the note is broken`, { cause });
  const space = line.indexOf(" ", DASH.length);
  if (!line.startsWith(DASH) || space < 0) throw broken();
  const name = line.slice(DASH.length, space);
  if (!isKeyName(name)) throw broken();
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(line.slice(space + 1));
  } catch (cause) {
    throw broken(cause);
  }
  if (bytes.length <= KEY_ID_BYTES) throw broken();
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** The signature line of a note, with its newline. */
export function formatSignature(signature: NoteSignature): string {
  return `${DASH}${signature.name} ${toBase64(concatBytes(signature.keyId, signature.signature))}\n`;
}

/** Bytes of a signed note. @throws EvidentError `malformed` when the text does not end with a newline */
export function formatNote(text: string, signatures: readonly NoteSignature[]): Uint8Array {
  if (!text.endsWith("\n")) throw new EvidentError("malformed", "the text of a note ends with a newline");
  return utf8(`${text}\n${signatures.map(formatSignature).join("")}`);
}
