import { defineCommand } from "../command/index.ts";
import { formatCount, formatPlural, ProgressBar, renderTable } from "../terminal/index.ts";
import { version } from "../version.ts";
import { readConfig, settingFlags } from "./config-flags.ts";

/** `evident reindex`: the index anew, from the trails alone. */
export const reindex = defineCommand({
  name: "reindex",
  summary: "Rebuild the index from the trails.",
  about:
    "Deletes DIR/index and rebuilds it from the trails alone, then compares index and ledger by hash over every entry. Nothing of the " +
    "evidence is touched. Stop the server first. Interrupted, it goes on at the next start of the server.",
  examples: [{ line: "evident reindex --data /var/lib/evident", does: "With a progress bar." }],
  exits: { 1: "index and ledger do not agree", 19: "a server has the data open" },
  flags: () => settingFlags(["data", "keys", "vault", "search.memoryBytes"]),
  async run({ flags, io }) {
    const config = await readConfig(flags, io);
    const server = await import("@evident/server");
    const bar = new ProgressBar(io.err, "indexing", "entries");
    const { trails, agrees } = await server.reindex({
      config,
      version,
      logTo: { write: (line: string) => void io.err.write(line) },
      signal: io.signal,
      onProgress: (done, total) => bar.update(total === 0 ? 1 : done / total, done),
    });
    bar.clear();
    if (flags.json) void io.out.json({ agrees, trails });
    else {
      const rows = trails.map(({ trail, ledger, indexed, missing, mismatched }) => [
        trail,
        ...[ledger, indexed, missing, mismatched].map(formatCount),
      ]);
      const head = ["trail", "entries", "indexed", "missing", "mismatched"];
      void io.out.line(
        renderTable(head, rows, { right: head.slice(1), styleHead: (text) => io.out.style("bold", text) }),
      );
      const entries = trails.reduce((sum, { indexed }) => sum + indexed, 0);
      void io.out.line(
        `${formatPlural(entries, "entry", "entries")} indexed; index and ledger ${agrees ? "agree" : "do NOT agree"}`,
      );
    }
    return agrees ? 0 : 1;
  },
});
