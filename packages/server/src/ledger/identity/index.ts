export { type IdentityStoreOptions, openIdentityStore } from "./open-identity-store.ts";
export type { FirstSeen, IdentityStore } from "./types.ts";
