import { EvidentError } from "@evident/core";
import { type HttpClient, parseList, parseMembers } from "../client/index.ts";
import { formatCount, formatDuration } from "../terminal/index.ts";
import { type Check, failed, ok, warning } from "./check.ts";

const MAX_SKEW_MS = 30_000;
const MAX_LAG = 10_000;

interface Status {
  readonly version: string;
  readonly clock: { readonly kind: "steady" | "holding"; readonly deltaMs?: number };
  readonly pressure: { readonly kind: "ready" | "busy" | "full" };
  readonly indexLag: number;
  readonly reconciliation: {
    readonly agrees: boolean;
    readonly trails: readonly {
      readonly trail: string;
      readonly ledger: number;
      readonly missing: number;
      readonly mismatched: number;
    }[];
  };
}

/** Checks what is walked into; a text where a number belongs is only shown. */
function parseStatus(value: unknown): Status {
  const status = parseMembers(value, "status");
  parseMembers(status["clock"], "status");
  parseMembers(status["pressure"], "status");
  for (const trail of parseList(parseMembers(status["reconciliation"], "status")["trails"], "status"))
    parseMembers(trail, "status");
  return status as unknown as Status;
}

async function attempt(name: string, look: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (cause) {
    if (!(cause instanceof EvidentError)) throw cause;
    return [failed(name, cause.message, cause.fix)];
  }
}

async function checkReady(client: HttpClient, signal: AbortSignal): Promise<readonly Check[]> {
  const startedMs = performance.now();
  const { answer } = await client.bytes({ path: "/readyz", signal });
  const tookMs = performance.now() - startedMs;
  const checks = [ok("server", `${client.url.origin} is ready, answered in ${formatDuration(tookMs)}`)];
  const date = Date.parse(answer.headers.date ?? "");
  const skewMs = Number.isNaN(date) ? 0 : Math.abs(Date.now() - date);
  return skewMs > MAX_SKEW_MS
    ? [
        ...checks,
        warning(
          "clocks",
          `this machine and the server differ by ${formatDuration(skewMs)}`,
          "Synchronise both with NTP.",
        ),
      ]
    : [...checks, ok("clocks", "this machine and the server agree")];
}

function checkStatus({ version, clock, pressure, indexLag, reconciliation }: Status, full: boolean): readonly Check[] {
  const { agrees, trails } = reconciliation;
  const entries = trails.reduce((sum, { ledger }) => sum + ledger, 0);
  const wrong = trails.filter(({ missing, mismatched }) => missing + mismatched > 0);
  const how = full ? "hash of every entry" : "count";
  const names = wrong.map(
    ({ trail, missing, mismatched }) => `${trail} (${missing} missing, ${mismatched} mismatched)`,
  );
  return [
    ok("version", version),
    clock.kind === "steady"
      ? ok("server's clock", "steady")
      : failed(
          "server's clock",
          `it stepped by ${formatDuration(Math.abs(clock.deltaMs ?? 0))}; received times do not follow it`,
          "Correct the clock, then POST /v1/clock/confirm.",
        ),
    pressure.kind === "full"
      ? failed("disk", "full: no events are taken", "Free disk space.")
      : ok("disk", `the log is ${pressure.kind}`),
    indexLag > MAX_LAG
      ? warning(
          "index",
          `${formatCount(indexLag)} entries behind`,
          "Wait; if it does not catch up, look at the server's log.",
        )
      : ok("index", `${formatCount(indexLag)} entries behind`),
    agrees
      ? ok("index and ledger", `${formatCount(entries)} entries agree by ${how}`)
      : failed(
          "index and ledger",
          `they differ: ${names.join(", ")}`,
          "Stop the server, run evident verify, then evident reindex.",
        ),
  ];
}

/** Looks at a running server from outside. */
export async function checkServer(client: HttpClient, full: boolean, signal: AbortSignal): Promise<readonly Check[]> {
  const ready = await attempt("server", () => checkReady(client, signal));
  if (ready.some(({ state }) => state === "failed")) return ready;
  const status = await attempt("status", async () => {
    const query = { reconcile: full ? "full" : "counts" };
    return checkStatus(parseStatus(await client.json({ path: "/v1/status", query, signal })), full);
  });
  return [...ready, ...status];
}
