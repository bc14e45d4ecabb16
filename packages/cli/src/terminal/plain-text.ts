const hostile = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text from outside on one line of a terminal: control characters, line breaks, lone surrogates and characters that are invisible or change
 * the direction are shown as escapes. Event fields are an attacker's way to the reader's terminal, and two names that look the same on it
 * must be the same.
 */
export function plainText(text: string, longest = Number.POSITIVE_INFINITY): string {
  const cut = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return cut.replace(hostile, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? "fffd"}}`);
}
