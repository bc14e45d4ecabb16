import { HASH_BYTES } from "@evident/core";
import { statedHash } from "./stated-hash.ts";
import type { EntryFault, FoundStatement, WalPart } from "./tasks.ts";
import { HashList } from "./trail-tree.ts";

/** Neighbouring entries of one trail in one log file. */
export interface WalRun {
  readonly file: string;
  readonly first: number;
  /** False: at least one byte of the records is not what was signed. */
  readonly signed: boolean;
  readonly leaves: HashList;
  /** Sizes at which a record states the trail's root, and those roots. */
  readonly markedSizes: number[];
  readonly markedRoots: HashList;
}

/** What the log holds of one trail. */
export interface WalTrail {
  readonly runs: WalRun[];
  readonly faults: (EntryFault & { readonly file: string })[];
  readonly statements: FoundStatement[];
  readonly blobIds: Uint8Array[];
  readonly pendingBlobs: string[];
  /** `received` of the first and last entry. */
  received: [string, string];
}

/** Gathers the parts of records per trail, merged into runs: a log of a million small records must not become a million objects. */
export class WalRuns {
  readonly #trails = new Map<string, WalTrail>();

  trail(name: string): WalTrail {
    const known = this.#trails.get(name);
    if (known !== undefined) return known;
    const trail: WalTrail = {
      runs: [],
      faults: [],
      statements: [],
      blobIds: [],
      pendingBlobs: [],
      received: ["", ""],
    };
    this.#trails.set(name, trail);
    return trail;
  }

  names(): readonly string[] {
    return [...this.#trails.keys()];
  }

  add(part: WalPart, file: string, signed: boolean): void {
    const { facts, leaves, root } = part;
    const trail = this.trail(part.trail);
    let run = trail.runs.at(-1);
    if (run === undefined || run.file !== file || run.signed !== signed || runEnd(run) !== facts.first) {
      run = { file, first: facts.first, signed, leaves: new HashList(), markedSizes: [], markedRoots: new HashList() };
      trail.runs.push(run);
    }
    for (let at = 0; at < leaves.length; at += HASH_BYTES) run.leaves.push(leaves.subarray(at, at + HASH_BYTES));
    run.markedSizes.push(runEnd(run));
    run.markedRoots.push(statedHash(root));
    this.#addFacts(trail, part, file);
  }

  #addFacts(trail: WalTrail, { facts }: WalPart, file: string): void {
    const [first, last] = facts.received;
    if (first !== "" && first < trail.received[1]) {
      const detail = `received at ${first}, after an entry received at ${trail.received[1]}`;
      trail.faults.push({ index: facts.first, kind: "reordered", detail, file });
    }
    if (trail.received[0] === "") trail.received[0] = first;
    if (last !== "") trail.received[1] = last;
    for (const fault of facts.faults) trail.faults.push({ file, ...fault });
    trail.statements.push(...facts.statements);
    if (facts.blobIds.length > 0) trail.blobIds.push(facts.blobIds);
    trail.pendingBlobs.push(...facts.pendingBlobs);
  }
}

/** End (exclusive) of a run's entries. */
export function runEnd(run: WalRun): number {
  return run.first + run.leaves.count;
}
