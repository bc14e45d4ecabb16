export { openSearch } from "./open-search.ts";
export type * from "./types.ts";
