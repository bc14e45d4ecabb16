import type { Fold } from "../../ledger/index.ts";
import { type Role, roles } from "./roles.ts";

/** A key as the trail `evident` knows it. Times are RFC 3339 UTC. */
export interface KeyRecord {
  readonly id: string;
  readonly role: Role;
  readonly tenant: string;
  readonly sources: readonly string[];
  readonly trails: readonly string[];
  readonly defaultTrail?: string;
  readonly expires?: string;
  readonly name?: string;
  /** SHA-256 of the key in base64. */
  readonly hash: string;
  readonly created: string;
  readonly by: string;
  readonly revoked?: { readonly at: string; readonly by: string; readonly reason?: string };
}

export interface KeyState {
  readonly keys: Readonly<Record<string, KeyRecord>>;
}

/** Members of a `key.created` statement. */
export type NewKey = Omit<KeyRecord, "created" | "revoked">;

/** The statement that makes a key known. */
export function keyCreated(key: NewKey): { readonly type: "key.created" } & NewKey {
  return { type: "key.created", ...key };
}

/** API keys, folded from `key.created` and `key.revoked`. A revoked key stays, so that its id is never taken again. */
export const keyFold: Fold<KeyState> = {
  name: "api-keys",
  version: 1,
  initial: { keys: {} },
  apply(state, statement, _index, received) {
    if (statement.type === "key.created") {
      const { type: _, ...stated } = statement;
      const key = stated as unknown as NewKey;
      // A role of a later version: the key stays unknown, so it is refused.
      if (!roles.includes(key.role) || Object.hasOwn(state.keys, key.id)) return state;
      return { keys: { ...state.keys, [key.id]: { ...key, created: received } } };
    }
    if (statement.type === "key.revoked") {
      const id = String(statement["id"]);
      const key = Object.hasOwn(state.keys, id) ? state.keys[id] : undefined;
      if (key === undefined || key.revoked !== undefined) return state;
      const reason = typeof statement["reason"] === "string" ? { reason: statement["reason"] } : {};
      return {
        keys: { ...state.keys, [id]: { ...key, revoked: { at: received, by: String(statement["by"]), ...reason } } },
      };
    }
    return state;
  },
};
