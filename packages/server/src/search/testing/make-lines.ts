import type { LineLedger } from "./line-ledger.ts";

const users = ["alice@example.com", "bob@example.com", "Carol", "dave-7"];
const statuses = ["success", "success", "success", "denied", "failure"];

/** Line `n` of a log with enough variety to tell queries apart. */
export function lineOf(n: number): string {
  const at = new Date(Date.UTC(2026, 2, 1) + n * 1_000 - (n % 7) * 900).toISOString().slice(0, -1);
  const time = `${at}000000Z`;
  if (n % 50 === 49) {
    return JSON.stringify({ v: 1, kind: "statement", received: time, sent: "s", statement: { type: "start", n } });
  }
  return JSON.stringify({
    v: 1,
    kind: "event",
    received: time,
    sent: "s",
    event: {
      v: 1,
      id: `id-${n}`,
      time: { occurred: time, precision: "ms", basis: "event" },
      actor: { type: "user", id: users[n % users.length], ns: "okta" },
      action: { op: n % 3 === 0 ? "READ" : "UPDATE", name: `invoice.${n % 5}`, kind: "api" },
      resources: [{ type: "invoice", id: `invoice/${n % 97}` }],
      outcome: { status: statuses[n % statuses.length] },
      source: { ip: `10.${n % 4}.0.${n % 200}`, userAgent: `agent/${n % 6}` },
      trace: { requestId: `req-${n.toString(16).padStart(8, "0")}` },
      origin: { tenant: "acme", source: "app", system: "app", adapter: "sdk" },
      ...(n % 11 === 0 ? { detail: { note: `ticket T${n} opened: drop table`, size: n * 1_000 } } : {}),
    },
  });
}

/** Commits lines `[from, to)` to a trail, in batches. */
export function commitLines(ledger: LineLedger, trail: string, from: number, to: number, batch = 300): void {
  for (let at = from; at < to; at += batch) {
    ledger.commit(
      trail,
      Array.from({ length: Math.min(batch, to - at) }, (_, i) => lineOf(at + i)),
    );
  }
}
