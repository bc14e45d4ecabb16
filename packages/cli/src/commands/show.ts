import { clientFlags, openClient } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { type Hit, hitSentence, parseHit, textAt } from "../render/index.ts";
import { plainText } from "../terminal/index.ts";

function showHuman({ out }: Io, hit: Hit): void {
  const kind = textAt(hit.entry, "kind") ?? "entry";
  void out.line(out.style("bold", plainText(`${hit.trail}:${hit.index}  ${kind}`)));
  if (kind === "event") void out.line(hitSentence(hit));
  void out.line();
  for (const line of JSON.stringify(hit.entry, null, 2).split("\n")) void out.line(plainText(line));
}

/** `evident show`: one entry, whole. */
export const show = defineCommand({
  name: "show",
  summary: "Show one entry, whole.",
  about: "By event id, or by its place TRAIL:INDEX. An id that stands in several entries is refused with their places.",
  operands: { usage: "ID|TRAIL:INDEX", least: 1, most: 1 },
  examples: [
    { line: "evident show main:0", does: "The first entry of the trail main." },
    {
      line: "evident show 019b8a3c-0d1c-7c5e-9f3a-5b1d2c3e4f50 --json",
      does: "By event id, as {trail, index, entry}.",
    },
  ],
  exits: { 11: "several entries have this id", 14: "there is no such entry that the key may see" },
  flags: {
    ...clientFlags,
    trail: { kind: "text", value: "TRAIL", summary: "Look in this trail only. Default: all that the key sees." },
  },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const path = `/v1/events/${encodeURIComponent(operands[0] ?? "")}`;
      const hit = parseHit(await client.json({ path, query: { trail: flags.trail }, signal: io.signal }));
      if (flags.json) void io.out.json(hit);
      else showHuman(io, hit);
      return 0;
    } finally {
      client.close();
    }
  },
});
