import type { ErrorCode, Predicate } from "@evident/core";
import type { CheckedEntries } from "./check-entries.ts";
import type { IndexNumbers } from "./index-store.ts";
import type { LinePack } from "./line-pack.ts";
import type { Order } from "./row-key.ts";
import type { StatsResult } from "./run-stats.ts";

/** What the worker is started with. */
export interface WorkerSettings {
  readonly dir: string;
  readonly segmentRows: number;
  readonly memoryBytes: number;
}

interface CallWanted {
  readonly predicate: Predicate;
  readonly trails: readonly string[];
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What the worker can be asked, by name. */
export interface Calls {
  readonly query: {
    readonly ask: CallWanted & {
      readonly cursor: string | undefined;
      readonly limit: number | undefined;
      readonly order: Order;
    };
    readonly answer: QueryAnswer;
  };
  readonly stats: {
    readonly ask: CallWanted & {
      readonly intervalMs: number | undefined;
      readonly top: readonly string[];
      readonly topLimit: number;
    };
    readonly answer: StatsResult & { readonly indexed: Positions };
  };
  /** Rows per trail, and the positions they should reach. */
  readonly count: {
    readonly ask: undefined;
    readonly answer: { readonly rows: Positions; readonly indexed: Positions };
  };
  readonly check: {
    readonly ask: { readonly trail: string; readonly first: number; readonly pack: LinePack };
    readonly answer: CheckedEntries;
  };
}

export type CallName = keyof Calls;

/** Sizes by trail. */
export type Positions = Readonly<Record<string, number>>;

/** Lines of hits in one buffer, with their places. */
export interface QueryAnswer {
  readonly pack: LinePack;
  readonly places: readonly { readonly trail: string; readonly index: number }[];
  readonly cursor: string | undefined;
  readonly indexed: Positions;
}

/** A call on its way; `name` and `ask` belong together. */
export type Call = {
  [Name in CallName]: {
    readonly kind: "call";
    readonly id: number;
    readonly name: Name;
    readonly ask: Calls[Name]["ask"];
  };
}[CallName];

export type ToWorker =
  | Call
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "entries"; readonly trail: string; readonly first: number; readonly pack: LinePack }
  | { readonly kind: "close" };

/** An error that crosses threads: `damage`, the index must be rebuilt; `broken`, its thread must start again. */
export type Failure =
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string; readonly fix: string }
  | { readonly kind: "damage" | "broken" | "failed"; readonly message: string };

export type FromWorker =
  | {
      readonly kind: "opened";
      readonly indexed: Positions;
      readonly numbers: IndexNumbers;
      readonly lastDigests: ReadonlyMap<string, { readonly index: number; readonly digest: string }>;
    }
  | {
      readonly kind: "indexed";
      /** Of the trails that have grown. */
      readonly sizes: Positions;
      /** Of the packs that are done with. */
      readonly bytes: number;
      readonly numbers: IndexNumbers;
    }
  | { readonly kind: "sealed"; readonly numbers: IndexNumbers }
  | { readonly kind: "answer"; readonly id: number; readonly value: Calls[CallName]["answer"] }
  | { readonly kind: "refusal"; readonly id: number; readonly failure: Failure }
  /** The worker ends; nothing more will come. */
  | { readonly kind: "failed"; readonly failure: Failure };
