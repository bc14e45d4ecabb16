import type { AccessEvent } from "@evident/core";
import { CLINICS, patientId, people, peopleOf, personActor, personSource, services } from "../company.ts";
import { type DemoEvent, eventHead, httpOutcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

interface Endpoint {
  readonly name: string;
  readonly op: AccessEvent["action"]["op"];
  readonly type: string;
  readonly prefix: string;
  readonly labels: readonly string[];
  readonly rows: number;
  readonly rowBytes: number;
  readonly fields: readonly string[];
}

const phi = ["phi"];
const clinical: readonly [Endpoint, ...Endpoint[]] = [
  {
    name: "GET /v1/patients/{id}",
    op: "READ",
    type: "patient",
    prefix: "pat",
    labels: phi,
    rows: 1,
    rowBytes: 1_900,
    fields: ["name", "birth_date", "allergies"],
  },
  {
    name: "GET /v1/patients",
    op: "LIST",
    type: "patient",
    prefix: "pat",
    labels: phi,
    rows: 25,
    rowBytes: 310,
    fields: ["name", "birth_date"],
  },
  {
    name: "PATCH /v1/patients/{id}",
    op: "UPDATE",
    type: "patient",
    prefix: "pat",
    labels: phi,
    rows: 1,
    rowBytes: 240,
    fields: ["address", "phone"],
  },
  {
    name: "GET /v1/patients/{id}/results",
    op: "READ",
    type: "lab_result",
    prefix: "lab",
    labels: phi,
    rows: 8,
    rowBytes: 720,
    fields: ["code", "value", "unit"],
  },
  {
    name: "POST /v1/prescriptions",
    op: "CREATE",
    type: "prescription",
    prefix: "rx",
    labels: phi,
    rows: 1,
    rowBytes: 410,
    fields: ["drug", "dose", "prescriber"],
  },
  {
    name: "POST /v1/appointments",
    op: "CREATE",
    type: "appointment",
    prefix: "apt",
    labels: phi,
    rows: 1,
    rowBytes: 260,
    fields: ["patient", "starts"],
  },
];
const business: readonly [Endpoint, ...Endpoint[]] = [
  {
    name: "GET /v1/invoices/{id}",
    op: "READ",
    type: "invoice",
    prefix: "inv",
    labels: ["pii"],
    rows: 1,
    rowBytes: 900,
    fields: ["amount", "payer"],
  },
  {
    name: "GET /v1/invoices",
    op: "LIST",
    type: "invoice",
    prefix: "inv",
    labels: ["pii"],
    rows: 50,
    rowBytes: 180,
    fields: ["amount", "status"],
  },
  {
    name: "POST /v1/payments",
    op: "CREATE",
    type: "payment",
    prefix: "pay",
    labels: ["cardholder"],
    rows: 1,
    rowBytes: 300,
    fields: ["amount", "card_token"],
  },
  {
    name: "GET /v1/reports/{id}",
    op: "READ",
    type: "report",
    prefix: "rep",
    labels: ["pii"],
    rows: 120,
    rowBytes: 95,
    fields: ["month", "total"],
  },
  {
    name: "POST /v1/exports",
    op: "EXPORT",
    type: "invoice",
    prefix: "inv",
    labels: ["pii"],
    rows: 400,
    rowBytes: 170,
    fields: ["amount", "payer", "status"],
  },
];
const clinicians = peopleOf("clinical");
const office = [...peopleOf("support"), ...peopleOf("finance"), ...peopleOf("people")] as const;

function resourceId(endpoint: Endpoint, random: Random): string {
  return endpoint.type === "patient" ? patientId(random) : `${endpoint.prefix}-${200_000 + random.skewed(300_000)}`;
}

/** Someone at work in the company's own application. */
export function patientApiEvent(random: Random, atMs: number): DemoEvent {
  const isClinical = random.chance(0.68);
  const person = isClinical ? random.pick(clinicians) : random.pick(office);
  const endpoint = isClinical ? random.pick(clinical) : random.pick(business);
  const clinic = `clinic-${1 + (people.indexOf(person) % CLINICS)}`;
  const outcome = httpOutcome(random, 0.025, 0.015);
  const rows = endpoint.rows === 1 ? 1 : random.between(1, endpoint.rows);
  return {
    ...eventHead(random, atMs),
    actor: personActor(person, atMs),
    action: { op: endpoint.op, name: endpoint.name, kind: "http" },
    resources: [{ type: endpoint.type, id: resourceId(endpoint, random), scope: [clinic] }],
    outcome,
    source: personSource(person),
    ...(outcome.status === "success"
      ? {
          impact: {
            rows: String(rows),
            bytesOut: String(rows * endpoint.rowBytes + random.below(200)),
            ...(endpoint.op === "READ" || endpoint.op === "LIST" ? {} : { fields: endpoint.fields }),
          },
        }
      : {}),
    trace: { requestId: random.hex(4) },
    origin: { source: "patient-api", system: services.api.id, adapter: "sdk" },
    labels: endpoint.labels,
  };
}
