import type { Fold, Statement } from "../types.ts";

/** A trail as its statements say. */
export interface TrailState {
  readonly name: string;
  readonly number: number;
  readonly tenant: string;
  readonly origin: string;
  readonly created: string;
  readonly genesis: readonly string[];
  readonly keys: readonly string[];
  /** Keys before the last rotation; a checkpoint at the rotation's size may still carry them after a crash. */
  readonly previousKeys: readonly string[];
  readonly generation: number;
  readonly rotations: readonly number[];
  readonly segments: readonly { readonly first: number; readonly end: number; readonly sizeBytes: number }[];
  readonly tail?: { readonly first: number; readonly end: number; readonly sizeBytes: number };
  /** The newest head that `evident` recorded. */
  readonly head?: { readonly size: number; readonly root: string };
}

/** What the ledger itself keeps in the trail `evident`. */
export interface LedgerState {
  readonly store: string;
  readonly trails: Readonly<Record<string, TrailState>>;
  readonly signingKeys: Readonly<Record<string, string>>;
  readonly stopped: boolean;
}

function withTrail(state: LedgerState, name: string, change: (trail: TrailState) => TrailState): LedgerState {
  const trail = state.trails[name];
  return trail === undefined ? state : { ...state, trails: { ...state.trails, [name]: change(trail) } };
}

function createTrail(state: LedgerState, statement: Statement, received: string): LedgerState {
  const { trail, tenant, origin, keys } = statement as unknown as {
    trail: string;
    tenant: string;
    origin: string;
    keys: string[];
  };
  const created: TrailState = {
    name: trail,
    number: Object.keys(state.trails).length,
    tenant,
    origin,
    created: received,
    genesis: keys,
    keys,
    previousKeys: [],
    generation: 1,
    rotations: [],
    segments: [],
  };
  return { ...state, trails: { ...state.trails, [trail]: created } };
}

function recordHeads(state: LedgerState, statement: Statement): LedgerState {
  const { heads } = statement as unknown as { heads: readonly { trail: string; size: number; root: string }[] };
  let next = state;
  for (const { trail, size, root } of heads)
    next = withTrail(next, trail, (known) => ({ ...known, head: { size, root } }));
  return next;
}

function seal(state: LedgerState, statement: Statement): LedgerState {
  const { trail, first, count, size, sizeBytes } = statement as unknown as {
    trail: string;
    first: number;
    count: number;
    size: number;
    sizeBytes: number;
  };
  return withTrail(state, trail, (known) => {
    if (statement.type === "tail.sealed") return { ...known, tail: { first, end: size, sizeBytes } };
    const { tail, ...rest } = known;
    const end = first + count;
    const segments = [...known.segments, { first, end, sizeBytes }];
    return tail !== undefined && tail.end > end ? { ...rest, segments, tail } : { ...rest, segments };
  });
}

function rotate(state: LedgerState, statement: Statement): LedgerState {
  const { trail, size, keys } = statement as unknown as { trail: string; size: number; keys: string[] };
  return withTrail(state, trail, (known) => ({
    ...known,
    keys,
    previousKeys: known.keys,
    generation: known.generation + 1,
    rotations: [...known.rotations, size],
  }));
}

/** The ledger's own fold: trails, their keys, sealed files and recorded heads. Only the server writes these statements. */
export const ledgerFold: Fold<LedgerState> = {
  name: "ledger",
  version: 1,
  initial: { store: "", trails: {}, signingKeys: {}, stopped: false },
  apply(state, statement, _index, received) {
    switch (statement.type) {
      case "store.created":
        return { ...state, store: String(statement.store) };
      case "server.started":
        return { ...state, stopped: false };
      case "server.stopped":
        return { ...state, stopped: true };
      case "trail.created":
        return createTrail(state, statement, received);
      case "signing_key.created":
        return { ...state, signingKeys: { ...state.signingKeys, [String(statement.use)]: String(statement.key) } };
      case "signing_key.rotated":
        return rotate(state, statement);
      case "checkpoint.recorded":
        return recordHeads(state, statement);
      case "segment.sealed":
      case "tail.sealed":
        return seal(state, statement);
      default:
        return state;
    }
  },
};
