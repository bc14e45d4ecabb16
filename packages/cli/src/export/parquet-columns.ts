import { type ExportedEntry, hashLeaf, parseEntry, toHex, utf8, valueText } from "@evident/core";

/** How a column's values come out of an entry and what they become. */
export type ParquetKind =
  | "text"
  | "time"
  | "count"
  | "integer"
  | "number"
  | "flag"
  | "texts"
  | "hex"
  | "json"
  | "resources"
  | "party"
  | "parties";

/** One column of the Parquet file; `path` leads to its value in the entry. */
export interface ParquetColumn {
  readonly name: string;
  readonly kind: ParquetKind;
  readonly path: readonly string[];
}

const event = (kind: ParquetKind, paths: string): ParquetColumn[] =>
  paths.split(" ").map((path) => ({
    name: path.replaceAll(".", "_").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    kind,
    path: ["event", ...path.split(".")],
  }));

const envelope = (kind: ParquetKind, names: string): ParquetColumn[] =>
  names.split(" ").map((name) => ({ name, kind, path: [name] }));

/** The columns in the order of the file. An entry without an event has only the first group and `body`. */
export const parquetColumns: readonly ParquetColumn[] = [
  ...envelope("text", "trail"),
  ...envelope("count", "index"),
  { name: "leaf_hash", kind: "hex", path: [] },
  ...envelope("text", "kind"),
  ...envelope("time", "received"),
  ...envelope("text", "sent rules"),
  ...envelope("texts", "classes"),
  ...envelope("json", "changed"),
  ...event("text", "id"),
  ...event("time", "time.occurred time.ended"),
  ...event("text", "time.precision time.basis time.tz"),
  ...event("text", "actor.type actor.id actor.ns actor.name actor.email"),
  ...event("texts", "actor.groups"),
  ...event("text", "actor.session.id"),
  ...event("time", "actor.session.created"),
  ...event("flag", "actor.session.mfa"),
  ...event("text", "actor.session.issuer actor.credential.kind actor.credential.id"),
  ...event("party", "actor.actingAs"),
  ...event("parties", "actor.onBehalfOf"),
  ...event("text", "action.op action.name action.kind"),
  ...event("resources", "resources"),
  ...event("text", "outcome.status outcome.code outcome.reason source.ip"),
  ...event("integer", "source.port"),
  ...event("text", "source.ipTrust"),
  ...event("texts", "source.via"),
  ...event("text", "source.service source.host source.userAgent source.geo.country source.geo.region source.geo.city"),
  ...event("number", "source.geo.lat source.geo.lon"),
  ...event("count", "source.geo.asn"),
  ...event("text", "source.geo.org"),
  ...event("count", "impact.rows impact.objects impact.bytesIn impact.bytesOut"),
  ...event("texts", "impact.fields"),
  ...event("text", "impact.before impact.after impact.queryDigest"),
  ...event("flag", "impact.truncated"),
  ...event("text", "trace.requestId trace.traceId trace.spanId trace.correlationId trace.parentId"),
  ...event("text", "origin.tenant origin.source origin.system origin.adapter origin.nativeId origin.nativeVersion"),
  ...event("count", "origin.seq"),
  ...event("flag", "origin.lossy"),
  ...event("texts", "origin.warnings labels"),
  ...event("json", "detail native"),
  { name: "body", kind: "json", path: [] },
];

const PARTY = "STRUCT(type VARCHAR, id VARCHAR, ns VARCHAR, name VARCHAR, email VARCHAR)";
const RESOURCE = "STRUCT(type VARCHAR, id VARCHAR, name VARCHAR, uid VARCHAR, scope VARCHAR[], role VARCHAR)";

/** DuckDB types of the rows as they are read, before times and bytes are made of texts. */
const readTypes: Readonly<Record<ParquetKind, string>> = {
  text: "VARCHAR",
  time: "VARCHAR",
  count: "BIGINT",
  integer: "INTEGER",
  number: "DOUBLE",
  flag: "BOOLEAN",
  texts: "VARCHAR[]",
  hex: "VARCHAR",
  json: "VARCHAR",
  resources: `${RESOURCE}[]`,
  party: PARTY,
  parties: `${PARTY}[]`,
};

const quoted = (name: string): string => `"${name}"`;

/** The `columns` of DuckDB's `read_json` for rows of `ParquetRows`. */
export function readColumnsSql(): string {
  return `{${parquetColumns.map(({ name, kind }) => `${quoted(name)}: '${readTypes[kind]}'`).join(", ")}}`;
}

/** What is selected from these rows. */
export function selectColumnsSql(): string {
  const select = ({ name, kind }: ParquetColumn): string => {
    if (kind === "time") return `CAST(rtrim(${quoted(name)}, 'Z') AS TIMESTAMP_NS) AS ${quoted(name)}`;
    if (kind === "hex") return `unhex(${quoted(name)}) AS ${quoted(name)}`;
    return quoted(name);
  };
  return parquetColumns.map(select).join(", ");
}

/** What 64 bits of nanoseconds since 1970 reach, as texts that sort. */
const FIRST_TIME = "1677-09-22";
const LAST_TIME = "2262-04-11";
const LAST_COUNT = 9_223_372_036_854_775_807n;

type Members = Readonly<Record<string, unknown>>;

function member(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.hasOwn(found, key) ? (found as Members)[key] : undefined;
  }
  return found;
}

/** Makes rows of entries, and counts the values that have no place in their column's type. */
export class ParquetRows {
  #outOfRange = 0;

  /** Values that are null in the file although the entry has one. */
  get outOfRange(): number {
    return this.#outOfRange;
  }

  /** One row as a line of JSON, with its line end. */
  line({ trail, index, line }: ExportedEntry): string {
    const { v: _v, kind, ...entry } = parseEntry(line);
    const bodies: Members = {
      quarantine: entry["quarantine"],
      statement: entry["statement"],
      summary: entry["summary"],
    };
    const body = Object.values(bodies).find((value) => value !== undefined);
    const head: Members = { ...entry, trail, index, kind };
    const row: Record<string, unknown> = {};
    for (const column of parquetColumns) {
      const { name, path } = column;
      const value = name === "leaf_hash" ? toHex(hashLeaf(utf8(line))) : name === "body" ? body : member(head, path);
      if (value !== undefined && value !== null) row[name] = this.#cell(column.kind, value);
    }
    return `${JSON.stringify(row)}\n`;
  }

  #cell(kind: ParquetKind, value: unknown): unknown {
    switch (kind) {
      case "json":
        return JSON.stringify(value);
      case "time": {
        const text = String(value);
        return this.#unless(text < FIRST_TIME || text >= LAST_TIME, text);
      }
      case "count": {
        const text = valueText(value) ?? "";
        return this.#unless(!/^\d{1,20}$/.test(text) || BigInt(text) > LAST_COUNT, text);
      }
      case "text":
        return valueText(value);
      case "integer":
      case "number":
      case "flag":
      case "texts":
      case "hex":
      case "resources":
      case "party":
      case "parties":
        return value;
    }
  }

  #unless(isOut: boolean, value: string): string | undefined {
    if (!isOut) return value;
    this.#outOfRange += 1;
    return undefined;
  }
}
