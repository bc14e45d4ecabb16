import type { TrailInfo } from "../../ledger/index.ts";
import type { Role } from "./roles.ts";

/** Stands for every tenant, source or trail. */
export const EVERY = "*";

/** What a key allows: its row in the key state, without the hash. */
export interface Grant {
  readonly keyId: string;
  readonly role: Role;
  /** The one tenant whose trails it sees; `*` is the system's own and sees all. */
  readonly tenant: string;
  /** Sources it may speak for; a single one is filled in where an event names none. `*` in it: any source. */
  readonly sources: readonly string[];
  /** Trails of the tenant that it is limited to; `*` in it: all of them. */
  readonly trails: readonly string[];
  readonly defaultTrail?: string;
  readonly name?: string;
  /** Unix ms after which it is refused. */
  readonly expiresMs?: number;
}

/**
 * Whether a key may know that a trail exists. System trails hold every tenant's reads and keys: only administrators and auditors
 * of the tenant `*` see them.
 */
export function seesTrail(grant: Grant, trail: Pick<TrailInfo, "name" | "tenant" | "system">): boolean {
  if (!grant.trails.includes(EVERY) && !grant.trails.includes(trail.name)) return false;
  if (trail.system) return grant.tenant === EVERY && (grant.role === "admin" || grant.role === "auditor");
  return grant.tenant === EVERY || grant.tenant === trail.tenant;
}
