import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { EvidentError, fromUtf8, parseEntry, verifyReceipt } from "@evident/core";
import { clientFlags, type HttpClient, openClient, parseList, parseMembers } from "../client/index.ts";
import { defineCommand } from "../command/index.ts";
import { fileError } from "../files/index.ts";
import { hitSentence, textAt } from "../render/index.ts";
import { formatCount, plainText } from "../terminal/index.ts";

interface FetchedReceipt {
  readonly trail: string;
  readonly index: number;
  readonly receipt: Buffer;
}

/** The file name that the server suggests names the entry. */
function placeOf(disposition: string | undefined): { readonly trail: string; readonly index: number } {
  const [, trail = "", index = ""] = /filename="([a-z][a-z0-9-]*)-(\d+)\.tlog-proof"/.exec(disposition ?? "") ?? [];
  if (trail !== "") return { trail, index: Number(index) };
  throw new EvidentError("unreachable", "the server's receipt does not say which entry it is of");
}

async function fetchReceipt(
  client: HttpClient,
  id: string,
  trail: string | undefined,
  signal: AbortSignal,
): Promise<FetchedReceipt> {
  const path = `/v1/events/${encodeURIComponent(id)}/proof`;
  const { answer, body } = await client.bytes({ path, query: { trail }, signal });
  return { ...placeOf(answer.headers["content-disposition"]), receipt: body };
}

async function keysOf(client: HttpClient, trail: string, signal: AbortSignal): Promise<readonly string[]> {
  const { genesis, keys } = parseMembers(await client.json({ path: `/v1/trails/${trail}`, signal }), "trail");
  const stated = [...parseList(genesis, "list of keys"), ...parseList(keys, "list of keys")];
  return [...new Set(stated.map(String))];
}

/** `evident prove`: the receipt of one entry, in a file. */
export const prove = defineCommand({
  name: "prove",
  summary: "Fetch the receipt of one entry.",
  about:
    "Writes a .tlog-proof (C2SP) with the entry's bytes, the path to the root and the signed checkpoint: anybody checks it offline with " +
    "evident verify FILE --keys. It is checked here too, against the keys that the server states; whether these are the right keys is for " +
    "the one who verifies to know. Waits for the next checkpoint when the entry is newer.",
  operands: { usage: "ID|TRAIL:INDEX", least: 1, most: 1 },
  examples: [
    { line: "evident prove main:0", does: "Writes main-0.tlog-proof." },
    {
      line: "evident prove main:0 --out - | evident verify - --keys data.keys/trails.json",
      does: "Straight to the verifier.",
    },
  ],
  exits: {
    1: "the receipt does not verify",
    11: "several entries have this id",
    14: "no such entry",
    25: "no checkpoint came in time",
  },
  flags: {
    ...clientFlags,
    trail: { kind: "text", value: "TRAIL", summary: "Look in this trail only. Default: all that the key sees." },
    out: { kind: "text", value: "FILE", summary: "Where to write, - for stdout. Default: TRAIL-INDEX.tlog-proof." },
  },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const { trail, index, receipt } = await fetchReceipt(client, operands[0] ?? "", flags.trail, io.signal);
      const verdict = verifyReceipt({ proof: receipt, keys: await keysOf(client, trail, io.signal) });
      const file = flags.out ?? `${trail}-${index}.tlog-proof`;
      if (file === "-") await io.out.write(receipt);
      else {
        try {
          writeFileSync(resolve(io.workingDirectory, file), receipt);
        } catch (cause) {
          throw fileError(file, cause);
        }
      }
      const talk = file === "-" ? io.err : io.out;
      if (verdict.kind !== "verified") {
        const detail = verdict.kind === "failed" ? verdict.detail : `no ${verdict.missing}`;
        if (flags.json) void talk.json({ file, trail, index, verdict: "failed", detail });
        else void talk.line(`${talk.style("red", "the receipt does not verify:")} ${plainText(detail)}`);
        return 1;
      }
      const { origin, size } = verdict;
      if (flags.json) void talk.json({ file, trail, index, verdict: "verified", origin, size: Number(size) });
      else {
        const entry = parseEntry(fromUtf8(verdict.entry));
        void talk.line(
          plainText(
            `${file}: ${trail}:${index} is entry ${formatCount(index)} of ${formatCount(Number(size))} in ${origin}`,
          ),
        );
        if (textAt(entry, "kind") === "event") void talk.line(hitSentence({ trail, index, entry }));
        void talk.line(
          talk.style(
            "dim",
            `verified with the keys that the server states; check it elsewhere with evident verify ${file} --keys KEYFILE`,
          ),
        );
      }
      return 0;
    } finally {
      client.close();
    }
  },
});
