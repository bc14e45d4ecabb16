import {
  fold,
  literalOf,
  type Match,
  type NumberBound,
  type Predicate,
  parseGlob,
  parseNetwork,
  type Test,
  wordsOf,
} from "@evident/core";
import { columnOf, ipColumn } from "./columns.ts";
import { addressNumber, keyFields } from "./extract.ts";
import { gramsOf } from "./grams.ts";
import { hashKey, hashWord, isOneWord } from "./word-hash.ts";

/** A lookup in the index that finds all matching rows and perhaps others. */
export type Posting =
  | { readonly kind: "word"; readonly hash: number }
  | { readonly kind: "key"; readonly hash: number }
  | { readonly kind: "grams"; readonly grams: readonly number[] };

/** A condition on the table of rows; it decides exactly but for values and times that the table cannot hold. */
export type RowTest =
  | { readonly kind: "codes"; readonly column: number; readonly test: Test }
  | { readonly kind: "ip"; readonly column: number; readonly test: Test; readonly low: bigint; readonly high: bigint }
  | TimeTest
  | { readonly kind: "index"; readonly min: bigint; readonly max: bigint };

/** Texts as they are compared; either may be absent. `isWider`: rows outside the range do not match, others may. */
export interface TimeTest {
  readonly kind: "time";
  readonly from?: string | undefined;
  readonly before?: string | undefined;
  readonly isWider?: boolean;
}

/**
 * A predicate as lookups. A leaf without postings and row test lets every row through: SQL and postings only narrow
 * what the compiled predicate then decides.
 */
export type Plan =
  | { readonly kind: "and" | "or"; readonly of: readonly Plan[] }
  | { readonly kind: "not"; readonly of: Plan }
  | { readonly kind: "leaf"; readonly postings: readonly Posting[]; readonly rowTest: RowTest | undefined };

/** Longer words are rarer; more than three seldom narrow further. */
const maxWords = 3;

/** Top members whose values are no text of the entry, so their words are not in the index. */
const outsideText = new Set("v kind received sent rules changed blob trail index time".split(" "));

function byLength(words: readonly string[]): string[] {
  return [...new Set(words)].sort((one, two) => two.length - one.length);
}

function wordPostings(words: readonly string[]): Posting[] {
  return byLength(words)
    .slice(0, maxWords)
    .map((word) => ({ kind: "word", hash: hashWord(word) }));
}

/**
 * Words that a text matching the pattern must have as whole words: those that touch neither a wildcard nor, over dots
 * and hyphens that could make them part of an address or UUID, anything that does.
 */
function certainWords(pattern: string): string[] {
  const words: string[] = [];
  const { parts } = parseGlob(pattern, fold);
  for (const [place, part] of parts.entries()) {
    // A cluster is what could be one word: letters, digits, dots and hyphens. `?` may be any of them.
    const holes = new Set(part.any);
    let cluster = "";
    let isOpen = place > 0;
    for (let at = 0; at <= part.text.length; at++) {
      const char = part.text.charAt(at);
      const isHole = holes.has(at);
      if (isHole || (char !== "" && /[\p{L}\p{M}\p{N}.-]/u.test(char)) || isSurrogate(char)) {
        cluster += char;
        isOpen ||= isHole;
        continue;
      }
      if (!isOpen && (char !== "" || place === parts.length - 1)) words.push(...wordsOf(cluster));
      cluster = "";
      isOpen = false;
    }
  }
  return words;
}

function isSurrogate(char: string): boolean {
  return char >= "\ud800" && char <= "\udfff";
}

/** Runs of ASCII letters and digits that the raw line of a matching entry must contain, whatever its case. */
function literalRuns(pattern: string): string[] {
  const { parts } = parseGlob(pattern, fold);
  return parts.flatMap((part) => {
    const holes = new Set(part.any);
    const text = [...part.text.split("").keys()].map((at) => (holes.has(at) ? " " : part.text.charAt(at))).join("");
    return text.match(/[0-9a-z]{2,}/g) ?? [];
  });
}

function gramPostings(pattern: string): Posting[] {
  const grams = new Set(literalRuns(pattern).flatMap(gramsOf));
  return grams.size === 0 ? [] : [{ kind: "grams", grams: [...grams].slice(0, 24) }];
}

function globPostings(pattern: string, wordsAreSure: boolean): Posting[] {
  const words = wordsAreSure ? wordPostings(certainWords(pattern)) : [];
  return words.length > 0 ? words : gramPostings(pattern);
}

/** Below schema-free members a value may be an object, matched as JSON text whose keys are not among the words. */
function isSchemaFree(field: string): boolean {
  return /^(?:detail|native|statement|summary|source\.geo)(?:\.|$)/.test(field);
}

function equalsPostings(field: string, value: string): Posting[] {
  const folded = fold(value);
  if (field === "actor.id" || field === "resources.id")
    return [{ kind: "key", hash: hashKey(keyFields[field], folded) }];
  if ((field === "id" || field === "trace.requestId") && !isOneWord(folded)) {
    return [{ kind: "key", hash: hashKey(keyFields[field], folded) }];
  }
  // Booleans and objects are compared as text, but they are no text of the entry.
  if (folded === "true" || folded === "false" || folded.startsWith("{")) return [];
  return wordPostings(wordsOf(folded));
}

function ipTest(column: number, test: Test & { readonly kind: "cidr" }): RowTest {
  const network = parseNetwork(test.cidr);
  if (network === undefined) return { kind: "codes", column, test };
  const { bytes } = network;
  const width = bytes.length === 4 ? 32 : 64;
  const open = BigInt(Math.max(0, width - network.bits));
  const low = (addressNumber(bytes) >> open) << open;
  return { kind: "ip", column, test, low, high: low + (1n << open) - 1n };
}

function fieldPostings(field: string, test: Test): Posting[] {
  if (outsideText.has(field.split(".")[0] ?? "")) return [];
  if (test.kind === "equals") return equalsPostings(field, test.value);
  if (test.kind === "glob") return globPostings(test.pattern, !isSchemaFree(field));
  return [];
}

const nothing: RowTest = { kind: "index", min: 1n, max: 0n };
const maxIndex = BigInt(Number.MAX_SAFE_INTEGER);

/** Only whole numbers without exponent: others are left to the predicate. */
function wholeBound(bound: NumberBound | undefined, otherwise: bigint): bigint | undefined {
  if (bound === undefined) return otherwise;
  return /^-?\d{1,18}$/.test(bound.value) ? BigInt(bound.value) : undefined;
}

function indexTest(test: Test): RowTest | undefined {
  // An index is compared as the text that it is written as.
  if (test.kind === "equals") {
    if (!/^(?:0|[1-9]\d{0,15})$/.test(test.value)) return nothing;
    return { kind: "index", min: BigInt(test.value), max: BigInt(test.value) };
  }
  if (test.kind !== "number") return undefined;
  const min = wholeBound(test.min, 0n);
  const max = wholeBound(test.max, maxIndex);
  if (min === undefined || max === undefined) return undefined;
  const isOpenBelow = test.min?.inclusive === false;
  const isOpenAbove = test.max?.inclusive === false;
  return { kind: "index", min: isOpenBelow ? min + 1n : min, max: isOpenAbove ? max - 1n : max };
}

function rowTestOf(field: string, test: Test): RowTest | undefined {
  const column = columnOf(field);
  if (column === ipColumn && test.kind === "cidr") return ipTest(column, test);
  if (column !== undefined) return { kind: "codes", column, test };
  if (field === "index") return indexTest(test);
  if (test.kind !== "time") return undefined;
  if (field === "time") return { kind: "time", from: test.from, before: test.before };
  // An entry that has this field is sorted by it.
  if (field === "time.occurred") return { kind: "time", from: test.from, before: test.before, isWider: true };
  return undefined;
}

function planMatch(match: Match): Plan {
  const { field, test } = match;
  if (field !== undefined)
    return { kind: "leaf", postings: fieldPostings(field, test), rowTest: rowTestOf(field, test) };
  if (test.kind === "equals")
    return { kind: "leaf", postings: wordPostings(wordsOf(fold(test.value))), rowTest: undefined };
  if (test.kind === "words") {
    const literal = literalOf(test.pattern);
    const postings = literal === undefined ? globPostings(test.pattern, true) : wordPostings(wordsOf(fold(literal)));
    return { kind: "leaf", postings, rowTest: undefined };
  }
  const postings = test.kind === "glob" ? globPostings(test.pattern, true) : [];
  return { kind: "leaf", postings, rowTest: undefined };
}

/** Turns a predicate into the lookups that narrow it down. */
export function planPredicate(predicate: Predicate): Plan {
  switch (predicate.op) {
    case "match":
      return planMatch(predicate);
    case "not":
      return { kind: "not", of: planPredicate(predicate.of) };
    case "and":
    case "or":
      return { kind: predicate.op, of: predicate.of.map(planPredicate) };
  }
}

function needleOf(match: Match): string | undefined {
  const { field, test } = match;
  // These are not in the line, or not in the form in which they are asked for.
  if (field === "trail" || field === "index" || field === "time") return undefined;
  if (test.kind === "equals") return byLength(literalRuns(test.value.replace(/[\\*?]/g, " ")))[0];
  if (test.kind === "glob" || test.kind === "words") return byLength(literalRuns(test.pattern))[0];
  return undefined;
}

/**
 * A folded run of ASCII letters and digits that the raw line of every matching entry contains (in any case), for
 * passing over lines unparsed; undefined when there is none.
 */
export function needleFor(predicate: Predicate): string | undefined {
  if (predicate.op === "match") return needleOf(predicate);
  if (predicate.op !== "and") return undefined;
  return byLength(predicate.of.map(needleFor).filter((needle) => needle !== undefined))[0];
}
