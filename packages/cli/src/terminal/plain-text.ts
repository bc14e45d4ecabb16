const hostile = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/**
 * Text from outside on one line of a terminal: control characters, line breaks, lone surrogates and bidirectional overrides are
 * shown as escapes. Event fields are an attacker's way to the reader's terminal.
 */
export function plainText(text: string, longest = Number.POSITIVE_INFINITY): string {
  const cut = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return cut.replace(hostile, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? "fffd"}}`);
}
