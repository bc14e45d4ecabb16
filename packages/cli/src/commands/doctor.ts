import { clientFlags, openClient } from "../client/index.ts";
import { defineCommand, type Flags, type FlagValues, type Io } from "../command/index.ts";
import { type Check, checkFiles, checkServer } from "../doctor/index.ts";
import { plainText } from "../terminal/index.ts";
import { readConfig, settingFlags } from "./config-flags.ts";

const marks = { ok: ["green", "ok"], warning: ["yellow", "warning"], failed: ["red", "FAILED"] } as const;

function print({ out }: Io, checks: readonly Check[]): void {
  for (const { name, state, detail, fix } of checks) {
    const [style, word] = marks[state];
    void out.line(`${out.style(style, word.padEnd(8))} ${name.padEnd(18)} ${plainText(detail)}`);
    if (fix !== undefined) void out.line(`${" ".repeat(28)}${out.style("dim", plainText(fix))}`);
  }
}

/** `evident doctor`: what is wrong, and what to do about it. */
export const doctor = defineCommand({
  name: "doctor",
  summary: "Look for what is wrong.",
  about:
    "Asks the running server (an auditor's, operator's or administrator's key of every tenant) for its clock, disk and index, compares index " +
    "and ledger, and with --data looks at the directories on this machine. evident verify checks the evidence itself.",
  examples: [
    { line: "evident doctor", does: "The server, index and ledger compared by count." },
    { line: "evident doctor --full --data ./data", does: "Compared by the hash of every entry, and the directories." },
  ],
  exits: { 1: "something is wrong" },
  flags: async (): Promise<Flags> => ({
    ...clientFlags,
    ...(await settingFlags(["data", "keys", "vault"])),
    full: { kind: "switch", summary: "Recompute the hash over every indexed entry: about a second for 500,000." },
  }),
  async run({ flags, io }) {
    const client = openClient(flags as unknown as FlagValues<typeof clientFlags>, io);
    try {
      const files = flags["data"] === undefined ? [] : checkFiles(await readConfig(flags, io));
      const checks = [...(await checkServer(client, flags["full"] === true, io.signal)), ...files];
      const isFine = checks.every(({ state }) => state !== "failed");
      if (flags.json) void io.out.json({ ok: isFine, checks });
      else print(io, checks);
      return isFine ? 0 : 1;
    } finally {
      client.close();
    }
  },
});
