import { fold, forEachWord, wordsOf } from "@evident/core";
import type { BlockTerms } from "./block-terms.ts";

const wordSeed = 0x811c9dc5;

function mix(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hashRange(folded: string, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let at = start; at < end; at++) hash = mix(hash, folded.charCodeAt(at));
  return finish(hash);
}

/** 32-bit hash (FNV-1a with a final mix) of one folded word. Collisions only cost time: hits are verified. */
export function hashWord(folded: string): number {
  return hashRange(folded, 0, folded.length, wordSeed);
}

/** Hash of the whole folded value of a field; `field` keeps equal values of different fields apart. */
export function hashKey(field: number, folded: string): number {
  return hashRange(folded, 0, folded.length, Math.imul(wordSeed + field + 1, 0x9e3779b1));
}

// Folded code of ASCII letters and digits, 0 for every other ASCII character.
const foldedCode = new Uint8Array(128);
for (const char of "0123456789abcdefghijklmnopqrstuvwxyz") {
  foldedCode[char.charCodeAt(0)] = char.charCodeAt(0);
  foldedCode[char.toUpperCase().charCodeAt(0)] = char.charCodeAt(0);
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
}

function isWordCode(code: number): boolean {
  return code >= 128 || (foldedCode[code] ?? 0) !== 0;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function uuidEnd(text: string, start: number): number {
  if (start + 36 > text.length) return 0;
  for (let at = 0; at < 36; at++) {
    const code = text.charCodeAt(start + at);
    const hyphen = at === 8 || at === 13 || at === 18 || at === 23;
    if (hyphen ? code !== 45 : code >= 128 || !isHex(foldedCode[code] ?? 0)) return 0;
  }
  return start + 36 < text.length && isWordCode(text.charCodeAt(start + 36)) ? 0 : start + 36;
}

function ipv4End(text: string, start: number): number {
  let at = start;
  for (let group = 0; group < 4; group++) {
    if (group > 0 && text.charCodeAt(at++) !== 46) return 0;
    const first = at;
    while (at < text.length && isDigit(text.charCodeAt(at))) at++;
    if (at === first || at - first > 3) return 0;
  }
  return at < text.length && isWordCode(text.charCodeAt(at)) ? 0 : at;
}

/** Whether a folded text is a single word, and so is found by the word itself. */
export function isOneWord(folded: string): boolean {
  let at = 0;
  while (at < folded.length && (foldedCode[folded.charCodeAt(at)] ?? 0) !== 0) at++;
  if (at === folded.length) return at > 0;
  if (isAscii(folded)) return uuidEnd(folded, 0) === folded.length || ipv4End(folded, 0) === folded.length;
  const words = wordsOf(folded);
  return words.length === 1 && words[0] === folded;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 128) return false;
  return true;
}

function compoundEnd(text: string, start: number, end: number): number {
  const next = text.charCodeAt(end);
  if (next === 45 && end - start === 8) return uuidEnd(text, start);
  return next === 46 && end - start <= 3 ? ipv4End(text, start) : 0;
}

/**
 * Adds the hashes of a text's words (those of `wordsOf(fold(text))`) for a row. ASCII text is read without making
 * strings; other text goes the way of core's definition.
 */
export function addWordHashes(text: string, terms: BlockTerms, row: number): void {
  const { length } = text;
  let at = 0;
  while (at < length) {
    let code = text.charCodeAt(at);
    if (code >= 128) {
      // What was added already may be no word of the text; that costs time at most.
      addUnicodeWordHashes(text, terms, row);
      return;
    }
    let folded = foldedCode[code] ?? 0;
    if (folded === 0) {
      at++;
      continue;
    }
    const start = at;
    let hash = wordSeed;
    do {
      hash = mix(hash, folded);
      code = ++at < length ? text.charCodeAt(at) : 0;
      folded = code < 128 ? (foldedCode[code] ?? 0) : 0;
    } while (folded !== 0);
    if (code >= 128) continue;
    const end = code === 45 || code === 46 ? compoundEnd(text, start, at) : 0;
    if (end > at) {
      for (; at < end; at++) {
        const inner = text.charCodeAt(at);
        hash = mix(hash, (foldedCode[inner] ?? 0) || inner);
      }
    }
    terms.add(finish(hash), row);
  }
}

function addUnicodeWordHashes(text: string, terms: BlockTerms, row: number): void {
  const folded = fold(text);
  forEachWord(folded, (start, end) => terms.add(hashRange(folded, start, end, wordSeed), row));
}
