import { EvidentError, parsePeriod } from "@evident/core";
import { clientFlags, openClient, parseList, parseMembers, strangeAnswer } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { plainText, renderTable } from "../terminal/index.ts";

interface Key {
  readonly id: string;
  readonly role: string;
  readonly tenant: string;
  readonly sources: readonly string[];
  readonly trails: readonly string[];
  readonly name?: string;
  readonly expires?: string;
  readonly created: string;
  readonly revoked?: { readonly at: string; readonly by: string; readonly reason?: string };
  /** The secret itself; only in the answer that made it. */
  readonly key?: string;
}

function parseKey(value: unknown): Key {
  const key = value as Key;
  if (typeof value === "object" && value !== null && typeof key.id === "string" && Array.isArray(key.trails))
    return key;
  throw strangeAnswer("key");
}

const ROLES = ["producer", "reader", "auditor", "operator", "admin"];

/** `30d` and `+30d` mean from now; a time with zone or a date is taken as it is. */
function parseExpiry(text: string): string {
  const period = parsePeriod(/^\d+[smhdw]$/.test(text) ? `+${text}` : text, Date.now());
  if (period !== undefined) return `${period.from.slice(0, 19)}Z`;
  throw new EvidentError("bad_request", `--expires cannot be ${JSON.stringify(text.slice(0, 40))}`, {
    fix: "Give a time from now such as 90d, a date, or an RFC 3339 time with zone.",
  });
}

const list = (values: readonly string[]): { readonly some?: readonly string[] } =>
  values.length === 0 ? {} : { some: values };

const create = defineCommand({
  name: "create",
  summary: "Make a key; it is shown once.",
  about:
    "producer appends only; reader searches and reads; auditor reads everything and changes nothing; operator makes, rotates and seals " +
    "trails and sees no events; admin may do everything. The server keeps only the key's hash: keep the key where secrets belong.",
  examples: [
    {
      line: "evident keys create --role producer --name patient-api",
      does: "For an application; its events get the source patient-api.",
    },
    {
      line: "evident keys create --role auditor --name auditor-2026 --expires 30d",
      does: "For an auditor of one tenant, for thirty days.",
    },
    {
      line: "evident keys create --role auditor --name examiner --tenant '*'",
      does: "For somebody who verifies the whole server.",
    },
  ],
  flags: {
    ...clientFlags,
    role: { kind: "text", value: "ROLE", summary: `One of ${ROLES.join(", ")}. Needed.` },
    name: { kind: "text", value: "NAME", summary: "For people, and the default source of a producer." },
    tenant: {
      kind: "text",
      value: "TENANT",
      summary: "Default: the asking key's, or default. * is every tenant, and the system's own trails.",
    },
    source: {
      kind: "texts",
      value: "SOURCE",
      summary: "Source that it may speak for; repeat it. * allows any. Default: its name.",
    },
    trail: { kind: "texts", value: "TRAIL", summary: "Only this trail; repeat it. Default: all of the tenant." },
    "default-trail": {
      kind: "text",
      value: "TRAIL",
      summary: "Where its events go when none is named. Default: its only trail, or main.",
    },
    expires: {
      kind: "text",
      value: "TIME",
      summary: "From when it is refused: 90d, a date, an RFC 3339 time. Default: never.",
    },
  },
  async run({ flags, io }) {
    if (flags.role === undefined) {
      throw new EvidentError("bad_request", "evident keys create needs --role", {
        fix: `Give one of ${ROLES.join(", ")}.`,
      });
    }
    const client = openClient(flags, io);
    try {
      const { some: sources } = list(flags.source);
      const { some: only } = list(flags.trail);
      const wanted = {
        role: flags.role,
        name: flags.name,
        tenant: flags.tenant,
        sources,
        trails: only,
        defaultTrail: flags["default-trail"],
        expires: flags.expires === undefined ? undefined : parseExpiry(flags.expires),
      };
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify(wanted);
      const key = parseKey(await client.json({ method: "POST", path: "/v1/keys", headers, body, signal: io.signal }));
      if (flags.json) void io.out.json(key);
      else {
        // The key alone on stdout: KEY=$(evident keys create …) works.
        void io.out.line(plainText(key.key ?? ""));
        void io.err.line(plainText(`made ${key.role} key ${key.id}; it is not shown again`));
      }
      return 0;
    } finally {
      client.close();
    }
  },
});

const revoke = defineCommand({
  name: "revoke",
  summary: "Refuse a key from now on.",
  operands: { usage: "ID", least: 1, most: 1 },
  examples: [
    { line: "evident keys revoke 5f0c9a1b2c3d4e5f --reason 'left the company'", does: "Its open streams end too." },
  ],
  exits: { 14: "there is no such key" },
  flags: { ...clientFlags, reason: { kind: "text", value: "TEXT", summary: "Stored with the revocation." } },
  async run({ flags, operands, io }) {
    const client = openClient(flags, io);
    try {
      // The whole key works as well as its id, but its secret does not leave this process.
      const id = /^evk_([0-9a-f]{16})_/.exec(operands[0] ?? "")?.[1] ?? operands[0] ?? "";
      const path = `/v1/keys/${encodeURIComponent(id)}`;
      const key = parseKey(
        await client.json({ method: "DELETE", path, query: { reason: flags.reason }, signal: io.signal }),
      );
      if (flags.json) void io.out.json(key);
      else void io.out.line(plainText(`key ${key.id} is revoked since ${key.revoked?.at ?? "now"}`));
      return 0;
    } finally {
      client.close();
    }
  },
});

function stateOf({ revoked, expires }: Key): string {
  if (revoked !== undefined) return "revoked";
  if (expires === undefined) return "valid";
  return Date.parse(expires) <= Date.now() ? "expired" : `until ${expires.slice(0, 16)}Z`;
}

function showKeys({ out }: Io, all: readonly Key[]): void {
  const rows = all.map((key) => [
    key.id,
    key.role,
    key.name ?? "",
    key.tenant,
    key.trails.join(","),
    key.sources.join(","),
    key.created.slice(0, 10),
    stateOf(key),
  ]);
  const head = ["id", "role", "name", "tenant", "trails", "sources", "created", "state"];
  void out.line(renderTable(head, rows, { styleHead: (text) => out.style("bold", text) }));
}

/** `evident keys`: lists them; its acts make and revoke. */
export const keys = defineCommand({
  name: "keys",
  summary: "List, make and revoke API keys.",
  about: "Without an act: every key, revoked ones too. Secrets are never listed: the server does not have them.",
  examples: [{ line: "evident keys", does: "A table." }],
  acts: [create, revoke],
  flags: { ...clientFlags },
  async run({ flags, io }) {
    const client = openClient(flags, io);
    try {
      const answer = await client.json({ path: "/v1/keys", signal: io.signal });
      const all = parseList(parseMembers(answer, "list of keys")["keys"], "list of keys").map(parseKey);
      if (flags.json) void io.out.json({ keys: all });
      else showKeys(io, all);
      return 0;
    } finally {
      client.close();
    }
  },
});
