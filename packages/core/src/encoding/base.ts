import { EvidentError } from "../errors/index.ts";

function decodeCanonical(
  text: string,
  what: string,
  decode: (text: string) => Uint8Array,
  encode: (bytes: Uint8Array) => string,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = decode(text);
  } catch (cause) {
    throw new EvidentError("bad_encoding", `not ${what} (${text.length} characters)`, { cause });
  }
  // The built-in decoders skip white space and take both cases; one byte string must have one text only.
  if (encode(bytes) !== text)
    throw new EvidentError("bad_encoding", `not canonical ${what} (${text.length} characters)`);
  return bytes;
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/**
 * Bytes of standard, padded, canonical base64: no white space, unused bits zero.
 *
 * @throws EvidentError `bad_encoding`
 */
export function fromBase64(text: string): Uint8Array {
  return decodeCanonical(text, "base64", (t) => Uint8Array.fromBase64(t, { lastChunkHandling: "strict" }), toBase64);
}

/** URL-safe base64 without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Bytes of URL-safe, unpadded, canonical base64.
 *
 * @throws EvidentError `bad_encoding`
 */
export function fromBase64Url(text: string): Uint8Array {
  return decodeCanonical(
    text,
    "base64url",
    (t) => Uint8Array.fromBase64(t, { alphabet: "base64url", lastChunkHandling: "loose" }),
    toBase64Url,
  );
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/**
 * Bytes of lower-case hexadecimal.
 *
 * @throws EvidentError `bad_encoding`
 */
export function fromHex(text: string): Uint8Array {
  return decodeCanonical(text, "lower-case hex", (t) => Uint8Array.fromHex(t), toHex);
}
