import { forEachWord, isWordBorder, type WordSpan } from "./words.ts";

/** A parsed pattern: texts between `*`; within a text, `undefined` entries of `any` positions stand for `?`. */
export interface Glob {
  /** One more than there are stars. */
  readonly parts: readonly GlobPart[];
}

/** `text` with the positions (of UTF-16 units) at which any one unit is allowed. */
export interface GlobPart {
  readonly text: string;
  readonly any: readonly number[];
}

/** Parses pattern text; `change` is applied to literal runs (fold, or nothing). Every text is a valid pattern. */
export function parseGlob(pattern: string, change: (literal: string) => string = (literal) => literal): Glob {
  const parts: GlobPart[] = [];
  let text = "";
  let literal = "";
  let any: number[] = [];
  const flush = (): void => {
    text += change(literal);
    literal = "";
  };
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (char === "\\" && (next === "*" || next === "?" || next === "\\")) {
      literal += next;
      at++;
    } else if (char === "*") {
      flush();
      parts.push({ text, any });
      text = "";
      any = [];
    } else if (char === "?") {
      flush();
      any.push(text.length);
      text += "?";
    } else literal += char;
  }
  flush();
  parts.push({ text, any });
  return { parts };
}

/** Pattern text that matches exactly `literal`. */
export function escapeGlob(literal: string): string {
  return literal.replace(/[\\*?]/g, "\\$&");
}

/** The literal text of a pattern without wildcards, else undefined. */
export function literalOf(pattern: string): string | undefined {
  const { parts } = parseGlob(pattern);
  const [part] = parts;
  return parts.length === 1 && part !== undefined && part.any.length === 0 ? part.text : undefined;
}

function matchesAt(part: GlobPart, value: string, at: number): boolean {
  if (at < 0 || at + part.text.length > value.length) return false;
  if (part.any.length === 0) return value.startsWith(part.text, at);
  let from = 0;
  for (const hole of part.any) {
    if (!value.startsWith(part.text.slice(from, hole), at + from)) return false;
    from = hole + 1;
  }
  return value.startsWith(part.text.slice(from), at + from);
}

/** First position at or after `from` where the part matches, or -1. */
function findPart(part: GlobPart, value: string, from: number): number {
  if (part.any.length === 0) return value.indexOf(part.text, from);
  for (let at = from; at + part.text.length <= value.length; at++) if (matchesAt(part, value, at)) return at;
  return -1;
}

/**
 * Whole-value match. Every part is taken at its leftmost place and never moved again, so the cost is at most
 * |pattern| * |value| steps whatever the text.
 */
export function matchGlob(glob: Glob, value: string): boolean {
  const { parts } = glob;
  const first = parts[0];
  const last = parts[parts.length - 1];
  if (first === undefined || last === undefined) return false;
  if (parts.length === 1) return value.length === first.text.length && matchesAt(first, value, 0);
  if (!matchesAt(first, value, 0)) return false;
  let at = first.text.length;
  for (const part of parts.slice(1, -1)) {
    const found = findPart(part, value, at);
    if (found < 0) return false;
    at = found + part.text.length;
  }
  const tail = value.length - last.text.length;
  return tail >= at && matchesAt(last, value, tail);
}

function spansOf(value: string): WordSpan[] {
  const spans: WordSpan[] = [];
  forEachWord(value, (start, end) => spans.push({ start, end }));
  return spans;
}

/** Whether the pattern occurs somewhere in the value such that neither end cuts a word, unless a `*` stands there. */
export function matchWords(glob: Glob, value: string): boolean {
  const { parts } = glob;
  const first = parts[0];
  if (first === undefined || findPart(first, value, 0) < 0) return false;
  const spans = spansOf(value);
  let at = 0;
  for (const [place, part] of parts.entries()) {
    const freeStart = place > 0 || part.text === "";
    const freeEnd = place < parts.length - 1 || part.text === "";
    const cutsNoWord = (start: number): boolean =>
      (freeStart || isWordBorder(spans, start)) && (freeEnd || isWordBorder(spans, start + part.text.length));
    let found = findPart(part, value, at);
    while (found >= 0 && !cutsNoWord(found)) found = findPart(part, value, found + 1);
    if (found < 0) return false;
    at = found + part.text.length;
  }
  return true;
}
