import type { Command } from "../command/index.ts";

/** Every verb with its loader, in the order of the overview: what a verb needs is loaded when it is called. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  init: async () => (await import("./init.ts")).init,
  ingest: async () => (await import("./ingest.ts")).ingest,
  follow: async () => (await import("./follow.ts")).follow,
  adapters: async () => (await import("./adapters.ts")).adapters,
  search: async () => (await import("./search.ts")).search,
  tail: async () => (await import("./tail.ts")).tail,
  export: async () => (await import("./export.ts")).exportEntries,
  show: async () => (await import("./show.ts")).show,
  prove: async () => (await import("./prove.ts")).prove,
  verify: async () => (await import("./verify.ts")).verify,
  sources: async () => (await import("./sources.ts")).sources,
  trails: async () => (await import("./trails.ts")).trails,
  keys: async () => (await import("./keys.ts")).keys,
  reindex: async () => (await import("./reindex.ts")).reindex,
  doctor: async () => (await import("./doctor.ts")).doctor,
  demo: async () => (await import("./demo.ts")).demo,
};
