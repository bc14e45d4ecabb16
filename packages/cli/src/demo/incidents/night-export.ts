import { peopleOf, personActor, personSource } from "../company.ts";
import { type DemoEvent, eventHead, traceIds } from "../demo-event.ts";
import { type Incident, ScriptClock } from "./incident.ts";

/** Someone in finance takes every invoice, in pieces, in the middle of the night. */
export const nightExport: Incident = {
  name: "bulk export at night",
  summary: "one person exports the invoices of all clinics between two and three at night, in pieces under the limit",
  search: "action.op:EXPORT impact.rows:>=40000",
  hour: 2,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const person = random.pick(peopleOf("finance"));
    return Array.from({ length: 14 }, (_, piece): DemoEvent => {
      const isRefused = piece === 3;
      const rows = random.between(40_000, 49_999);
      const atMs = clock.after(95);
      return {
        ...eventHead(random, atMs),
        actor: personActor(person, atMs),
        action: { op: "EXPORT", name: "POST /v1/exports", kind: "http" },
        resources: [{ type: "invoice", id: "inv-*", scope: [`clinic-${1 + (piece % 6)}`] }],
        outcome: isRefused
          ? { status: "denied", code: "403", reason: "above 50000 rows" }
          : { status: "success", code: "200" },
        source: personSource(person),
        ...(isRefused
          ? {}
          : { impact: { rows: String(rows), bytesOut: String(rows * 171), fields: ["amount", "payer", "status"] } }),
        trace: traceIds(random),
        origin: { source: "patient-api", system: "svc-patient-api", adapter: "sdk" },
        labels: ["pii"],
      };
    });
  },
};
