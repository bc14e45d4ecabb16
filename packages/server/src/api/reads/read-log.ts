import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { hmacSha256, toBase64Url, utf8 } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import { type Grant, maskApiKeys } from "../auth/index.ts";

const READS_TRAIL = "evident-reads";
const MAX_TEXT = 4_096;
const MAX_USER_AGENT = 1_024;
const MAX_LIST = 256;
const MAX_LISTED = 200;
const SENT_BYTES = 16;

/** Where a request came from, as its entry in `evident-reads` states it. */
export interface Caller {
  readonly grant: Grant;
  readonly ip: string;
  /** `forwarded` when a trusted proxy named the address. */
  readonly ipTrust: "peer" | "forwarded";
  readonly userAgent: string | undefined;
  readonly requestId: string;
}

/** What was read or changed. Texts are bounded and stripped of API keys before they are stored. */
export interface Act {
  readonly op: "READ" | "LIST" | "EXPORT" | "CONFIGURE";
  /** `events.search`, `trail.seal` and so on. */
  readonly name: string;
  readonly resources: readonly { readonly type: string; readonly id: string }[];
  /** Query, time range, index range: enough to say afterwards what could have been seen. */
  readonly detail?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Entries in the answer. */
  readonly rows?: number;
  readonly bytesOut?: number;
}

/**
 * Records who reads what, as events in the trail `evident-reads`. Every method resolves when the entry is durable: the answer begins
 * only after that, so that no read can be without its entry.
 */
export class ReadLog {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async record(caller: Caller, act: Act): Promise<void> {
    const text = JSON.stringify(this.#event(caller, act));
    const sent = toBase64Url(hmacSha256(this.#ledger.macKey, utf8(text)).subarray(0, SENT_BYTES));
    await this.#ledger.append(READS_TRAIL, [{ kind: "event", rest: `"sent":"${sent}","event":${text}` }]);
  }

  /** Members stand in the order of the event schema: the text is canonical as it is. */
  #event({ grant, ip, ipTrust, userAgent, requestId }: Caller, act: Act): object {
    const occurredMs = this.#ledger.nowMs();
    return {
      v: 1,
      id: makeUuidV7(occurredMs),
      time: { occurred: `${new Date(occurredMs).toISOString().slice(0, -1)}000000Z`, precision: "ms", basis: "event" },
      actor: {
        type: "service",
        id: grant.keyId,
        ns: "evident",
        ...(grant.name === undefined || grant.name === "-" ? {} : { name: bound(grant.name) }),
        groups: [grant.role],
        credential: { kind: "api_key", id: grant.keyId },
      },
      action: { op: act.op, name: act.name, kind: "api" },
      resources: act.resources.map(({ type, id }) => ({ type, id: bound(id) })),
      outcome: { status: "success" },
      source: {
        ...(isIP(ip) === 0 ? {} : { ip, ipTrust }),
        ...(userAgent === undefined || userAgent === "" || userAgent === "-"
          ? {}
          : { userAgent: bound(userAgent.slice(0, MAX_USER_AGENT)) }),
      },
      ...impactOf(act),
      trace: { requestId },
      origin: { tenant: "*", source: "evident", system: "evident", adapter: "api" },
      ...(act.detail === undefined ? {} : { detail: boundDetail({ ...act.detail, tenant: grant.tenant }) }),
    };
  }
}

function impactOf({ rows, bytesOut }: Act): object {
  if (rows === undefined && bytesOut === undefined) return {};
  return {
    impact: {
      ...(rows === undefined ? {} : { rows: String(rows) }),
      ...(bytesOut === undefined ? {} : { bytesOut: String(bytesOut) }),
    },
  };
}

/** Well-formed, without control characters and keys, and short enough for an entry. */
function bound(text: string): string {
  return maskApiKeys(text.slice(0, MAX_TEXT).toWellFormed()).replaceAll(/\p{Cc}/gu, " ");
}

function boundDetail(detail: NonNullable<Act["detail"]>): Record<string, unknown> {
  const bounded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(detail)) {
    if (value === undefined || value === "") continue;
    if (typeof value === "string") bounded[name] = bound(value);
    else if (typeof value === "object")
      bounded[name] = value.slice(0, MAX_LIST).map((each) => bound(each.slice(0, MAX_LISTED)));
    else bounded[name] = value;
  }
  return bounded;
}

/** RFC 9562: sorts by time, so that the newest reads lie together. */
function makeUuidV7(atMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(atMs, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
