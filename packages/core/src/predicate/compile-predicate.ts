import { inNetwork, parseAddress, parseNetwork } from "./address.ts";
import type { Match, NumberBound, Predicate, Test } from "./ast.ts";
import { compareNumbers, isNumber } from "./decimal.ts";
import { fold } from "./fold.ts";
import { literalOf, matchGlob, matchWords, parseGlob } from "./glob.ts";
import { normalInstant } from "./instant.ts";
import { type EntryLike, fieldTest, type Place, scalarText, someText, valueText } from "./values.ts";

/** Whether an entry matches; `place` gives the fields `trail` and `index`, which the line itself does not hold. */
export type Matcher = (entry: EntryLike, place?: Place) => boolean;

type ValueTest = (value: unknown) => boolean;

function textTest(test: (text: string) => boolean): ValueTest {
  return (value) => {
    const text = valueText(value);
    return text !== undefined && test(text);
  };
}

function globTest(pattern: string, cased: boolean): (text: string) => boolean {
  const glob = parseGlob(pattern, cased ? undefined : fold);
  return cased ? (text) => matchGlob(glob, text) : (text) => matchGlob(glob, fold(text));
}

function wordsTest(pattern: string): (text: string) => boolean {
  const glob = parseGlob(pattern, fold);
  return (text) => matchWords(glob, fold(text));
}

function aboveMin(text: string, min: NumberBound | undefined): boolean {
  if (min === undefined) return true;
  const order = compareNumbers(text, min.value);
  return min.inclusive ? order >= 0 : order > 0;
}

function belowMax(text: string, max: NumberBound | undefined): boolean {
  if (max === undefined) return true;
  const order = compareNumbers(text, max.value);
  return max.inclusive ? order <= 0 : order < 0;
}

function cidrTest(cidr: string): ValueTest {
  const network = parseNetwork(cidr);
  if (network === undefined) return () => false;
  return (value) => {
    const address = typeof value === "string" ? parseAddress(value) : undefined;
    return address !== undefined && inNetwork(network, address);
  };
}

/** Compiles the test of one value, text folded once. */
export function compileTest(test: Test): ValueTest {
  switch (test.kind) {
    case "exists":
      return () => true;
    case "equals": {
      if (test.cased) return textTest((text) => text === test.value);
      const wanted = fold(test.value);
      return textTest((text) => fold(text) === wanted);
    }
    case "glob":
      return textTest(globTest(test.pattern, test.cased === true));
    case "words":
      return textTest(wordsTest(test.pattern));
    case "number":
      return (value) => {
        const text = scalarText(value);
        return text !== undefined && isNumber(text) && aboveMin(text, test.min) && belowMax(text, test.max);
      };
    case "time":
      return (value) => {
        const time = typeof value === "string" ? normalInstant(value) : undefined;
        if (time === undefined) return false;
        return (test.from === undefined || time >= test.from) && (test.before === undefined || time < test.before);
      };
    case "cidr":
      return cidrTest(test.cidr);
  }
}

function compileMatch(match: Match): Matcher {
  const test = compileTest(match.test);
  if (match.field === undefined) {
    if (match.test.kind === "words" && literalOf(match.test.pattern) === "") return () => false;
    return (entry) => someText(entry, test);
  }
  const any = fieldTest(match.field);
  return (entry, place) => any(entry, place, test);
}

/**
 * Compiles a predicate to a function that decides over parsed entries (`parseEntry`). It never throws, whatever an
 * entry holds, and takes time linear in the entry for each test.
 */
export function compilePredicate(predicate: Predicate): Matcher {
  if (predicate.op === "match") return compileMatch(predicate);
  if (predicate.op === "not") {
    const inner = compilePredicate(predicate.of);
    return (entry, place) => !inner(entry, place);
  }
  const parts = predicate.of.map(compilePredicate);
  if (predicate.op === "and") return (entry, place) => parts.every((part) => part(entry, place));
  return (entry, place) => parts.some((part) => part(entry, place));
}
