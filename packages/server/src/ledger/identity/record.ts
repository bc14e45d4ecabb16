/**
 * One identity as eight 32-bit words: four of key, two of `sent`, then index + 1 (48 bits) and trail (16 bits). The index is stored
 * plus one so that no record is all zeros: zeros mean an empty place, in memory as on disk. Records sort by their key's words.
 */
export const RECORD_WORDS = 8;
export const RECORD_BYTES = 32;
export const IDENTITY_BYTES = 24;

const TWO_32 = 0x1_0000_0000;
const LOW_16 = 0xffff;

/** Writes trail and index of a record at word `at`. */
export function writePlace(words: Uint32Array, at: number, trail: number, index: number): void {
  const stored = index + 1;
  words[at + 6] = stored % TWO_32;
  words[at + 7] = trail * 0x1_0000 + Math.floor(stored / TWO_32);
}

export function trailAt(words: Uint32Array, at: number): number {
  return (words[at + 7] ?? 0) >>> 16;
}

export function indexAt(words: Uint32Array, at: number): number {
  return ((words[at + 7] ?? 0) & LOW_16) * TWO_32 + (words[at + 6] ?? 0) - 1;
}

/** True when no record lies at word `at`. */
export function isEmptyAt(words: Uint32Array, at: number): boolean {
  return words[at + 6] === 0 && words[at + 7] === 0;
}

/** True when both have the same `sent`. */
export function isSameSent(a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean {
  return a[atA + 4] === b[atB + 4] && a[atA + 5] === b[atB + 5];
}

/** Negative, zero or positive as the key at `atA` sorts before, with or after the one at `atB`. */
export function compareKeys(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  const first = (a[atA] ?? 0) - (b[atB] ?? 0);
  if (first !== 0) return first;
  for (let i = 1; i < 4; i += 1) {
    const difference = (a[atA + i] ?? 0) - (b[atB + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first 48 bits of a key, by which pages are found. */
export function prefixAt(words: Uint32Array, at: number): number {
  return (words[at] ?? 0) * 0x1_0000 + ((words[at + 1] ?? 0) >>> 16);
}
