/**
 * One condition over one entry: what search text, rules and alerts compile to (DESIGN §5).
 * Plain JSON data. An empty `and` holds for everything, an empty `or` for nothing.
 */
export type Predicate =
  | { readonly op: "and" | "or"; readonly of: readonly Predicate[] }
  | { readonly op: "not"; readonly of: Predicate }
  | Match;

/**
 * A test of one field. `field` is a canonical name (`actor.id`, `kind`, `detail.path`); `undefined` means free text:
 * the test holds if it holds for any text value of the entry. A field with several values matches if any of them does,
 * and a test of a missing field is false (so `not` of it is true).
 */
export interface Match {
  readonly op: "match";
  readonly field: string | undefined;
  readonly test: Test;
}

/**
 * What a value must be. Text is compared folded (`fold`) unless `cased`. Patterns use `*` (any run, also over line
 * breaks), `?` (one character) and `\` before `*`, `?` or `\`; any other `\` stands for itself.
 */
export type Test =
  | { readonly kind: "equals"; readonly value: string; readonly cased?: true }
  | { readonly kind: "glob"; readonly pattern: string; readonly cased?: true }
  /** The pattern occurs in the value, and neither of its ends cuts through a word, unless a wildcard stands there. */
  | { readonly kind: "words"; readonly pattern: string }
  | { readonly kind: "number"; readonly min?: NumberBound; readonly max?: NumberBound }
  /** Half-open, RFC 3339 UTC with nine fraction digits. */
  | { readonly kind: "time"; readonly from?: string; readonly before?: string }
  | { readonly kind: "cidr"; readonly cidr: string }
  /** The field is there; `null` counts as there. */
  | { readonly kind: "exists" };

/** A decimal number as text, so that numbers beyond 2^53 stay exact. */
export interface NumberBound {
  readonly value: string;
  readonly inclusive: boolean;
}

/** Holds for every entry. */
export const everything: Predicate = { op: "and", of: [] };

/** Conjunction without needless nesting of one. */
export function allOf(of: readonly Predicate[]): Predicate {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { op: "and", of };
}

/** Disjunction without needless nesting of one. */
export function anyOf(of: readonly Predicate[]): Predicate {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { op: "or", of };
}
