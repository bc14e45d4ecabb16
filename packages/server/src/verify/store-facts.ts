import { toBase64 } from "@evident/core";
import type { RememberedHead } from "./remembered-heads.ts";
import type { ActedStatement, FoundStatement } from "./tasks.ts";
import type { StatedHead } from "./trail-head.ts";

/** Keys of one generation of a trail. The first has size 0; a later one signs from `size` on. */
export interface Generation {
  readonly keys: readonly string[];
  /** Size of the checkpoint that the generation before and this one signed together. */
  readonly size: number;
  /** Index in `evident` of the statement that made it. */
  readonly index: number;
}

/** A head of a trail that `evident` recorded. */
export interface RecordedHead {
  readonly size: number;
  readonly root: string;
  readonly index: number;
}

/** A sealed file as `evident` recorded it. `file` is relative to the trail's folder, `end` exclusive. */
export interface RecordedFile {
  readonly kind: "segment" | "tail";
  readonly file: string;
  readonly first: number;
  readonly end: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly index: number;
}

/** What the statements of `evident` say of one trail. */
export interface TrailFacts {
  readonly trail: string;
  readonly origin: string;
  readonly index: number;
  readonly generations: Generation[];
  readonly heads: RecordedHead[];
  readonly segments: RecordedFile[];
  readonly tails: RecordedFile[];
}

/** A statement that contradicts an earlier one. */
export interface Contradiction {
  readonly index: number;
  readonly detail: string;
}

/** Folds the statements of `evident` as the verifier needs them, in order. */
export class StoreFacts {
  readonly trails = new Map<string, TrailFacts>();
  readonly walKeys: string[] = [];
  readonly contradictions: Contradiction[] = [];
  /** Epoch of the newest start. */
  epoch: number | undefined;
  /** Index of the stop that nothing follows. */
  stoppedAt: number | undefined;

  apply({ index, statement }: FoundStatement): void {
    this.stoppedAt = undefined;
    if (statement === undefined) return;
    switch (statement.type) {
      case "server.started":
        this.epoch = statement.epoch;
        return;
      case "server.stopped":
        this.stoppedAt = index;
        return;
      case "trail.created":
        this.#create(statement, index);
        return;
      case "signing_key.created":
        if (statement.use === "wal") this.walKeys.push(statement.key);
        return;
      case "signing_key.rotated":
        this.#rotate(statement, index);
        return;
      case "checkpoint.recorded":
        for (const { trail, origin, size, root } of statement.heads) {
          const facts = this.#trail(trail, index);
          if (facts.origin !== "" && facts.origin !== origin) this.#contradict(index, `${trail} has another origin`);
          facts.heads.push({ size, root, index });
        }
        return;
      case "segment.sealed":
        this.#seal(statement, index);
        return;
      case "tail.sealed": {
        const { trail, first, size, file, sizeBytes, sha256 } = statement;
        this.#trail(trail, index).tails.push({ kind: "tail", file, first, end: size, sizeBytes, sha256, index });
        return;
      }
    }
  }

  #create(statement: Extract<ActedStatement, { type: "trail.created" }>, index: number): void {
    const { trail, origin, keys } = statement;
    if (this.trails.has(trail)) {
      this.#contradict(index, `trail ${trail} was made or named before`);
      return;
    }
    const generations = [{ keys, size: 0, index }];
    this.trails.set(trail, { trail, origin, index, generations, heads: [], segments: [], tails: [] });
  }

  #rotate(statement: Extract<ActedStatement, { type: "signing_key.rotated" }>, index: number): void {
    const { trail, size, keys, previous } = statement;
    const facts = this.#trail(trail, index);
    const before = facts.generations.at(-1);
    if (before === undefined) return;
    if (before.keys.join() !== previous.join()) this.#contradict(index, `${trail} had other keys before this rotation`);
    if (size < before.size) this.#contradict(index, `${trail} was rotated at ${size} after ${before.size}`);
    facts.generations.push({ keys, size, index });
  }

  #seal(statement: Extract<ActedStatement, { type: "segment.sealed" }>, index: number): void {
    const { trail, first, count, file, sizeBytes, sha256 } = statement;
    const facts = this.#trail(trail, index);
    const end = facts.segments.at(-1)?.end ?? 0;
    if (first !== end || count % 256 !== 0) {
      this.#contradict(
        index,
        `${trail}: a segment of ${count} entries from ${first} was sealed, the one before ends at ${end}`,
      );
      return;
    }
    facts.segments.push({ kind: "segment", file, first, end: first + count, sizeBytes, sha256, index });
  }

  /** Facts of `evident` itself, empty when its making is not among the statements. */
  own(): TrailFacts {
    return this.#trail("evident", 0);
  }

  /** A trail whose making is not among the statements still gets a place: its sealed files are to be accounted for. */
  #trail(name: string, index: number): TrailFacts {
    const known = this.trails.get(name);
    if (known !== undefined) return known;
    this.#contradict(index, `trail ${name} was never made`);
    const facts = { trail: name, origin: "", index, generations: [], heads: [], segments: [], tails: [] };
    this.trails.set(name, facts);
    return facts;
  }

  #contradict(index: number, detail: string): void {
    if (this.contradictions.length < 1_000) this.contradictions.push({ index, detail });
  }
}

/** What to remember of a trail whose signed head was verified. */
export function headToRemember({ generations }: TrailFacts, head: StatedHead): RememberedHead {
  const keys = generations[0]?.keys ?? [];
  const signing = generations.length < 2 ? {} : { signing: generations.at(-1)?.keys ?? [] };
  return { keys, ...signing, size: head.size, root: toBase64(head.root) };
}

/** The sealed files that a trail must have now: all segments, and the newest tail when it reaches beyond them. */
export function neededFiles(facts: TrailFacts): RecordedFile[] {
  const segmentsEnd = facts.segments.at(-1)?.end ?? 0;
  const tail = facts.tails.at(-1);
  return tail !== undefined && tail.end > segmentsEnd ? [...facts.segments, tail] : facts.segments;
}
