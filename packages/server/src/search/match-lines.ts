import {
  compilePredicate,
  type EntryLike,
  entryTime,
  type Matcher,
  normalInstant,
  type Place,
  type Predicate,
} from "@evident/core";
import { readEntry } from "./extract.ts";
import type { LineBlock } from "./line-block.ts";
import { lineBlockRows } from "./line-block.ts";
import { needleFor } from "./plan.ts";
import type { Unit } from "./unit.ts";

/** What an entry must be: a predicate, in trails, within a half-open range of time. */
export interface Wanted {
  readonly predicate: Predicate;
  readonly trails: readonly string[];
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** A stored line that matches. */
export interface MatchingLine {
  readonly row: number;
  readonly place: Place;
  readonly line: Buffer;
  readonly entry: EntryLike;
}

/** Decides over stored lines: it has the last word on every hit. */
export class LineMatcher {
  private readonly wanted: Wanted;
  private readonly trails: ReadonlySet<string>;
  private readonly matches: Matcher;
  private readonly needle: string | undefined;

  constructor(wanted: Wanted) {
    this.wanted = wanted;
    this.trails = new Set(wanted.trails);
    this.matches = compilePredicate(wanted.predicate);
    this.needle = needleFor(wanted.predicate);
  }

  private isInRange(entry: EntryLike): boolean {
    const { from, to } = this.wanted;
    if (from === undefined && to === undefined) return true;
    const time = normalInstant(entryTime(entry) ?? "");
    if (time === undefined) return false;
    return (from === undefined || time >= from) && (to === undefined || time < to);
  }

  private match(unit: Unit, block: LineBlock, row: number): MatchingLine | undefined {
    const slot = row % lineBlockRows;
    if (this.needle !== undefined && !block.mayHold(slot, this.needle)) return undefined;
    const trail = unit.trailName(block.trail(slot));
    if (!this.trails.has(trail)) return undefined;
    const line = block.line(slot);
    const entry = readEntry(line);
    const place: Place = { trail, index: block.index(slot) };
    if (!this.isInRange(entry) || !this.matches(entry, place)) return undefined;
    // A copy: a view would keep the whole block in memory.
    return { row, place, line: Buffer.from(line), entry };
  }

  /** Those of the rows that match, in the order given. */
  async matching(
    unit: Unit,
    rows: readonly number[],
    options: { readonly pause: () => Promise<void>; readonly signal: AbortSignal },
  ): Promise<readonly MatchingLine[]> {
    const numbers = [...new Set(rows.map((row) => Math.floor(row / lineBlockRows)))];
    const found = new Map<number, MatchingLine>();
    const byBlock = Map.groupBy(rows, (row) => Math.floor(row / lineBlockRows));
    for (let at = 0; at < numbers.length; at += blocksAtOnce) {
      const some = numbers.slice(at, at + blocksAtOnce);
      const blocks = await Promise.all(some.map((number) => unit.readBlock(number)));
      for (const [place, block] of blocks.entries()) {
        for (const row of byBlock.get(some[place] ?? 0) ?? []) {
          const match = this.match(unit, block, row);
          if (match !== undefined) found.set(row, match);
        }
      }
      await options.pause();
      options.signal.throwIfAborted();
    }
    return rows.flatMap((row) => found.get(row) ?? []);
  }
}

/** Blocks read side by side; also how much is decided between two pauses. */
const blocksAtOnce = 16;
