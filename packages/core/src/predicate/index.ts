export { inNetwork, type Network, parseAddress, parseNetwork } from "./address.ts";
export { allOf, anyOf, everything, type Match, type NumberBound, type Predicate, type Test } from "./ast.ts";
export { compilePredicate, compileTest, type Matcher } from "./compile-predicate.ts";
export { compareNumbers } from "./decimal.ts";
export {
  type FieldLookup,
  type FieldType,
  fieldAliases,
  type KnownField,
  knownFields,
  lookUpField,
} from "./fields.ts";
export { fold } from "./fold.ts";
export { formatSearch } from "./format-search.ts";
export { escapeGlob, type Glob, type GlobPart, literalOf, matchGlob, parseGlob } from "./glob.ts";
export { normalInstant, type Period, parsePeriod, timeText } from "./instant.ts";
export { hasDelicateNumber, isRawNumber, parseKeepingNumbers } from "./json-source.ts";
export { type ParsedSearch, parseSearch, type SearchContext } from "./parse-search.ts";
export type { SearchProblem } from "./search-problem.ts";
export {
  type EntryLike,
  entryTime,
  type FieldTest,
  fieldTest,
  type Place,
  parseEntry,
  scalarText,
  someText,
  valueText,
} from "./values.ts";
export { forEachWord, wordsOf } from "./words.ts";
