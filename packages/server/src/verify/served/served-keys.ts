import { EvidentError, parseVerifierKey } from "@evident/core";
import { sameKeys } from "../check-signatures.ts";
import type { Generation, TrailFacts } from "../store-facts.ts";
import type { PinnedTrail } from "./pin-trail.ts";
import type { ServedContext } from "./served-context.ts";

/** A set of keys that may have signed a pinned head. Not proven: only the server says that they follow from the first ones. */
export interface SigningKeys {
  readonly keys: readonly string[];
  readonly isProven: boolean;
  /** They are the ones before a change at just this size: its note may not be there yet. */
  readonly isBefore?: boolean;
}

/** The keys of a trail: its generations as far as they are known, and who may have signed the pinned head, likeliest first. */
export interface ServedKeys {
  readonly facts: TrailFacts;
  readonly signing: readonly SigningKeys[];
}

/** Keys as `evident` states them; whole and verified, it proves each change. */
export function keysFromStatements(facts: TrailFacts, { head, rotations, stated }: PinnedTrail): ServedKeys {
  const inForce = facts.generations.filter(({ size }) => size <= head.size).toReversed();
  const [newest, before] = inForce;
  const signing: SigningKeys[] = [];
  if (newest !== undefined) signing.push({ keys: newest.keys, isProven: true });
  // A change is stated first and signed after: between, also over a crash, the checkpoint at its size is still that of the old keys.
  if (before !== undefined && newest?.size === head.size) {
    signing.push({ keys: before.keys, isProven: true, isBefore: true });
  }
  // A change that the pinned head of evident does not state yet.
  if (rotations.length >= facts.generations.length) signing.push(...stated.map((keys) => ({ keys, isProven: false })));
  return { facts, signing };
}

/** Keys as the server names them, where `evident` cannot be read. */
export function keysFromServer({ listed, head, rotations, stated }: PinnedTrail): ServedKeys {
  const { name: trail, origin, genesis } = listed;
  const generations: Generation[] = [{ keys: genesis, size: 0, index: -1 }];
  const facts = { trail, origin, index: 0, generations, heads: [], segments: [], tails: [] };
  const others = stated.filter((keys, i) => !sameKeys(keys, genesis) && !sameKeys(keys, stated[i - 1] ?? []));
  const [first, ...more] = rotations;
  if (first === undefined) return { facts, signing: [{ keys: genesis, isProven: true }] };
  const signing: SigningKeys[] = others.map((keys) => ({ keys, isProven: false }));
  if (others.length === 0 || (more.length === 0 && first === head.size)) {
    signing.push({ keys: genesis, isProven: true });
  }
  const [only, ...rest] = others;
  if (only !== undefined && rest.length === 0 && more.length === 0) {
    generations.push({ keys: only, size: first, index: -1 });
  }
  return { facts, signing };
}

/** Given verifier keys by the log that they are of. @throws EvidentError `malformed` */
export function groupByOrigin(keys: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const { name } = parseVerifierKey(key);
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  return groups;
}

/** Why a trail's first keys are believed: given by the caller, stated by a verified `evident`, or nothing but the server's word. */
export type Trust = "given" | "evident" | "none";

/**
 * Compares a trail's first keys with what is trusted and remembered.
 *
 * @param isStated whether a verified `evident`, whose own keys are trusted, states them
 */
export function judgeTrust(
  { trusted, evidentKeys, remembered, report }: ServedContext,
  facts: TrailFacts,
  isStated: boolean,
): Trust {
  const { trail, origin, generations } = facts;
  const genesis = generations[0]?.keys ?? [];
  const add = (detail: string, severity: "failed" | "gap" = "failed"): void =>
    report.add({ trail, index: null, kind: "signature", severity, detail });
  for (const { keys } of generations) {
    for (const key of keys) if (nameOf(key) !== origin) add(`one of its keys is not a key of ${origin}`);
  }
  const known = remembered?.get(origin);
  if (known !== undefined && !sameKeys(known.keys, genesis)) {
    add(`it begins with other keys than those remembered for ${origin}`);
  }
  const given = trusted?.get(origin);
  if (given !== undefined) {
    const isOther = trail === "evident" && !given.every((key) => evidentKeys?.includes(key) ?? true);
    if (isOther) add("it begins with the trusted keys of another trail");
    else if (!sameKeys(given, genesis)) add("it begins with other keys than the trusted ones");
    return "given";
  }
  if (trusted === undefined) {
    report.unchecked("whether the server's own keys are the right ones: its own statement of them was taken");
    return "none";
  }
  if (isStated) return "evident";
  add("none of the trusted keys is of this trail, and no verified statement in evident leads from them to it", "gap");
  return "none";
}

function nameOf(key: string): string | undefined {
  try {
    return parseVerifierKey(key).name;
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw cause;
  }
}
