/**
 * A valid event as a producer sends it, told apart by `id`; the tenant is left to the API key.
 * About 500 bytes as JSON.
 */
export function makeEvent(id: string, occurred = "2026-03-01T08:30:00.000000000Z"): Readonly<Record<string, unknown>> {
  return {
    v: 1,
    id,
    time: { occurred, precision: "ms", basis: "event", tz: "stated" },
    actor: { type: "user", id: `user-${id.length}`, ns: "example", name: "Ada Example", groups: ["clinicians"] },
    action: { op: "READ", name: "record.view", kind: "api" },
    resources: [{ type: "record", id: `record-${id}`, scope: ["ward-7"] }],
    outcome: { status: "success", code: "200" },
    source: { ip: "192.0.2.10", ipTrust: "peer", service: "records", userAgent: "example/1.0" },
    trace: { requestId: `request-${id}` },
    origin: { source: "records", system: "records", adapter: "http" },
    labels: ["phi"],
  };
}
