import type { Fold, Statement } from "../../../ledger/index.ts";
import { isObject } from "../../adapt/index.ts";
import type { ListedObject } from "./bucket.ts";

/** Objects of one receiver that were dealt with. */
export interface DoneObjects {
  /** Unix ms: every object that was modified before is done. */
  readonly beforeMs: number;
  /** Those modified since, by the day of the modification and by key: their ETags. */
  readonly days: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** By receiver: `bucket/prefix`, the trail and the source. */
export interface ObjectState {
  readonly receivers: Readonly<Record<string, DoneObjects>>;
}

const none: DoneObjects = { beforeMs: 0, days: {} };

/** One object in a statement. */
export interface DoneObject {
  readonly key: string;
  readonly etag: string;
  /** RFC 3339. */
  readonly modified: string;
  readonly stored: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly skipped: number;
  /** Why it could not be read to its end. */
  readonly failed?: string;
}

/** States that objects were read, or given up. */
export function objectsRead(receiver: string, beforeMs: number, objects: readonly DoneObject[]): Statement {
  return { type: "s3.objects_read", receiver, before: new Date(beforeMs).toISOString(), objects };
}

const dayOf = (time: string): string => time.slice(0, 10);

/**
 * What was read of S3 prefixes, folded from `s3.objects_read`. Bounded: keys are remembered until a later statement says that everything of
 * their day is done.
 */
export const objectFold: Fold<ObjectState> = {
  name: "s3-objects",
  version: 1,
  initial: { receivers: {} },
  apply(state, statement) {
    if (statement.type !== "s3.objects_read") return state;
    const receiver = String(statement["receiver"]);
    const before = String(statement["before"]);
    const old = Object.hasOwn(state.receivers, receiver) ? (state.receivers[receiver] ?? none) : none;
    const beforeMs = Math.max(old.beforeMs, Date.parse(before) || 0);
    const oldest = dayOf(new Date(beforeMs).toISOString());
    const days = new Map(Object.entries(old.days).filter(([day]) => day >= oldest));
    // Not by assignment: a key may be `__proto__`.
    const added = new Map<string, Map<string, string>>();
    for (const object of Array.isArray(statement["objects"]) ? (statement["objects"] as readonly unknown[]) : []) {
      if (!isObject(object)) continue;
      const day = dayOf(String(object["modified"]));
      if (day < oldest) continue;
      const known = added.get(day) ?? new Map<string, string>();
      known.set(String(object["key"]), String(object["etag"]));
      added.set(day, known);
    }
    for (const [day, keys] of added) days.set(day, { ...days.get(day), ...Object.fromEntries(keys) });
    return { receivers: { ...state.receivers, [receiver]: { beforeMs, days: Object.fromEntries(days) } } };
  },
};

/** Objects of a receiver that are done. */
export function doneObjects(state: ObjectState, receiver: string): DoneObjects {
  return Object.hasOwn(state.receivers, receiver) ? (state.receivers[receiver] ?? none) : none;
}

export function isDone({ beforeMs, days }: DoneObjects, { key, etag, modifiedMs }: ListedObject): boolean {
  if (modifiedMs < beforeMs) return true;
  const keys = days[dayOf(new Date(modifiedMs).toISOString())];
  return keys !== undefined && Object.hasOwn(keys, key) && keys[key] === etag;
}
