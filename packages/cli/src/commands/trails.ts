import { clientFlags, openClient, parseList, parseMembers, strangeAnswer } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { formatCount, plainText, renderTable } from "../terminal/index.ts";

const MOST_KEY = 96;

interface Trail {
  readonly name: string;
  readonly tenant: string;
  readonly origin: string;
  readonly size: number;
  readonly publishedSize: number;
  readonly sealedSize: number;
  readonly genesis: readonly string[];
  readonly keys: readonly string[];
}

function parseTrail(value: unknown): Trail {
  const trail = value as Trail;
  if (
    typeof value === "object" &&
    value !== null &&
    typeof trail.name === "string" &&
    typeof trail.size === "number" &&
    Array.isArray(trail.keys)
  ) {
    return trail;
  }
  throw strangeAnswer("trail");
}

function showTrail(io: Io, trail: Trail, json: boolean, done: string): void {
  if (json) void io.out.json(trail);
  else {
    void io.out.line(
      `${done}: ${plainText(trail.name)}, ${formatCount(trail.size)} entries, origin ${plainText(trail.origin)}`,
    );
    // The key of the second signature fills twenty lines; --json has it whole.
    for (const key of trail.keys) void io.out.line(io.out.style("dim", `  ${plainText(key, MOST_KEY)}`));
  }
}

const nameOperand = { usage: "TRAIL", least: 1, most: 1 } as const;

const create = defineCommand({
  name: "create",
  summary: "Make a trail with keys of its own.",
  operands: nameOperand,
  examples: [{ line: "evident trails create payroll", does: "Then evident ingest --trail payroll FILE." }],
  exits: { 11: "there is a trail of this name" },
  flags: {
    ...clientFlags,
    tenant: {
      kind: "text",
      value: "TENANT",
      summary: "Whose events it will hold. Default: the key's tenant, or default.",
    },
  },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const body = JSON.stringify({
        name: operands[0],
        ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
      });
      const headers = { "content-type": "application/json" };
      const trail = parseTrail(
        await client.json({ method: "POST", path: "/v1/trails", headers, body, signal: io.signal }),
      );
      showTrail(io, trail, flags.json, "made");
      return 0;
    } finally {
      client.close();
    }
  },
});

const rotate = defineCommand({
  name: "rotate",
  summary: "Replace a trail's signing keys.",
  about:
    "Signs one checkpoint with the old and the new keys, then continues with the new. Who trusted the old keys follows that note.",
  operands: nameOperand,
  examples: [{ line: "evident trails rotate main", does: "New keys for main; evident states it." }],
  flags: { ...clientFlags },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const path = `/v1/trails/${encodeURIComponent(operands[0] ?? "")}/rotate`;
      showTrail(io, parseTrail(await client.json({ method: "POST", path, signal: io.signal })), flags.json, "rotated");
      return 0;
    } finally {
      client.close();
    }
  },
});

const seal = defineCommand({
  name: "seal",
  summary: "Seal what is complete now.",
  about: "The server seals by itself, by count, size and age; this does it at once.",
  operands: nameOperand,
  examples: [{ line: "evident trails seal main --tail", does: "All of main, the unfinished bundle as a tail file." }],
  flags: { ...clientFlags, tail: { kind: "switch", summary: "Also the unfinished bundle, as a tail file." } },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      const path = `/v1/trails/${encodeURIComponent(operands[0] ?? "")}/seal`;
      const body = JSON.stringify({ tail: flags.tail });
      const headers = { "content-type": "application/json" };
      const answer = await client.json({ method: "POST", path, headers, body, signal: io.signal });
      const trail = parseTrail(answer);
      showTrail(io, trail, flags.json, `sealed ${formatCount(trail.sealedSize)}`);
      return 0;
    } finally {
      client.close();
    }
  },
});

/** `evident trails`: lists them; its acts make, rotate and seal. */
export const trails = defineCommand({
  name: "trails",
  summary: "List, make, rotate and seal trails.",
  about: "Without an act: the trails that the key sees.",
  examples: [
    { line: "evident trails", does: "A table." },
    { line: "evident trails create payroll --tenant acme", does: "A new trail." },
  ],
  acts: [create, rotate, seal],
  flags: { ...clientFlags },
  async run({ flags, io }) {
    const client = openClient(flags, io);
    try {
      const answer = parseMembers(await client.json({ path: "/v1/trails", signal: io.signal }), "list of trails");
      const all = parseList(answer["trails"], "list of trails").map(parseTrail);
      if (flags.json) void io.out.json({ trails: all });
      else if (all.length === 0) void io.out.line("no trails that this key sees: evident trails create NAME makes one");
      else {
        const rows = all.map(({ name, tenant, size, publishedSize, sealedSize, origin }) => [
          name,
          tenant,
          formatCount(size),
          formatCount(publishedSize),
          formatCount(sealedSize),
          origin,
        ]);
        const head = ["trail", "tenant", "entries", "published", "sealed", "origin"];
        const right = ["entries", "published", "sealed"];
        void io.out.line(renderTable(head, rows, { right, styleHead: (text) => io.out.style("bold", text) }));
      }
      return 0;
    } finally {
      client.close();
    }
  },
});
