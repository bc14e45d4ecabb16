/** Start and end (exclusive) of one word in a text. */
export interface WordSpan {
  readonly start: number;
  readonly end: number;
}

const asciiOnly = /^\p{ASCII}*$/u;
const asciiWord = /[0-9A-Za-z]+/g;
const unicodeWord = /[\p{L}\p{M}\p{N}]+/gu;
// Sticky at the start of a run of letters and digits, and ending where such a run ends.
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\p{L}\p{M}\p{N}])/iuy;
const ipv4 = /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\p{L}\p{M}\p{N}])/uy;

function endOfCompound(text: string, start: number, length: number): number {
  if (length > 8) return 0;
  const pattern = length === 8 ? uuid : length <= 3 ? ipv4 : undefined;
  if (pattern === undefined) return 0;
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : 0;
}

/**
 * Calls `visit` with the spans of the words of a text, left to right. A word is a run of letters, marks and digits;
 * a UUID and a dotted IPv4 address are one word each. Between two words the division depends on nothing before it,
 * so a part of a text that cuts no word has the same words as the whole has there.
 */
export function forEachWord(text: string, visit: (start: number, end: number) => void): void {
  let at = 0;
  for (const found of text.matchAll(asciiOnly.test(text) ? asciiWord : unicodeWord)) {
    if (found.index < at) continue;
    at = endOfCompound(text, found.index, found[0].length) || found.index + found[0].length;
    visit(found.index, at);
  }
}

/** The words of a folded text. */
export function wordsOf(folded: string): string[] {
  const words: string[] = [];
  forEachWord(folded, (start, end) => words.push(folded.slice(start, end)));
  return words;
}

/** True when cutting the text at `at` would divide no word. */
export function isWordBorder(spans: readonly WordSpan[], at: number): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const span = spans[middle];
    if (span !== undefined && span.end <= at) low = middle + 1;
    else high = middle;
  }
  const span = spans[low];
  return span === undefined || span.start >= at;
}
