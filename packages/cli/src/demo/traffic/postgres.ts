import { peopleOf, personActor, serviceActor, services } from "../company.ts";
import { type DemoEvent, eventHead, type Outcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

interface Statement {
  readonly name: string;
  readonly op: DemoEvent["action"]["op"];
  readonly tables: readonly [string, ...string[]];
  readonly rows: number;
  readonly fields: readonly string[];
  readonly digest: string;
}

const statements: readonly [Statement, ...Statement[]] = [
  {
    name: "SELECT",
    op: "READ",
    tables: ["public.patients"],
    rows: 3,
    fields: ["id", "name", "birth_date"],
    digest: "hmac:1f7c0a9be4d25386",
  },
  {
    name: "SELECT",
    op: "READ",
    tables: ["public.appointments", "public.patients"],
    rows: 40,
    fields: ["starts", "patient_id"],
    digest: "hmac:83d0b1c6f5e94a72",
  },
  {
    name: "SELECT",
    op: "READ",
    tables: ["billing.invoices"],
    rows: 60,
    fields: ["id", "amount", "status"],
    digest: "hmac:c41e88d7035ab9f6",
  },
  {
    name: "INSERT",
    op: "CREATE",
    tables: ["public.prescriptions"],
    rows: 1,
    fields: ["patient_id", "drug", "dose"],
    digest: "hmac:5ab27f90c8d1e364",
  },
  {
    name: "UPDATE",
    op: "UPDATE",
    tables: ["public.patients"],
    rows: 1,
    fields: ["phone", "address"],
    digest: "hmac:e90c63517bd4f28a",
  },
  {
    name: "UPDATE",
    op: "UPDATE",
    tables: ["billing.invoices"],
    rows: 12,
    fields: ["status"],
    digest: "hmac:27f5d81a4c6b90e3",
  },
  {
    name: "DELETE",
    op: "DELETE",
    tables: ["public.sessions"],
    rows: 200,
    fields: ["id"],
    digest: "hmac:b06a4fe7925c18d3",
  },
];
const nightly: readonly [Statement, ...Statement[]] = [
  {
    name: "COPY",
    op: "READ",
    tables: ["public.patients"],
    rows: 40_000,
    fields: ["id", "updated_at"],
    digest: "hmac:9d31e7c5b20f846a",
  },
  {
    name: "SELECT",
    op: "READ",
    tables: ["billing.invoices"],
    rows: 9_000,
    fields: ["month", "amount"],
    digest: "hmac:40be17f2a8d6935c",
  },
  {
    name: "REFRESH MATERIALIZED VIEW",
    op: "UPDATE",
    tables: ["reports.monthly"],
    rows: 1_200,
    fields: ["month", "total"],
    digest: "hmac:76c9d03fe51ab482",
  },
];

const outcomes = {
  denied: { status: "denied", code: "42501", reason: "permission denied for table patients" },
  timeout: { status: "failure", code: "57014", reason: "canceling statement due to statement timeout" },
  deadlock: { status: "failure", code: "40P01", reason: "deadlock detected" },
  success: { status: "success", code: "00000" },
} as const satisfies Record<string, Outcome>;

function outcomeOf(random: Random): Outcome {
  const at = random.unit();
  if (at < 0.008) return outcomes.denied;
  if (at < 0.014) return outcomes.timeout;
  return at < 0.016 ? outcomes.deadlock : outcomes.success;
}

const analysts = [...peopleOf("engineering"), ...peopleOf("finance")] as const;
const programs = [services.api, services.api, services.api, services.billing, services.reports] as const;

/** A statement in the company's PostgreSQL: mostly by programs, sometimes by a person with psql. */
export function postgresEvent(random: Random, atMs: number, isNight: boolean): DemoEvent {
  const statement = random.pick(isNight && random.chance(0.4) ? nightly : statements);
  const person = !isNight && random.chance(0.06) ? random.pick(analysts) : undefined;
  const service = isNight ? random.pick([services.backup, services.reports]) : random.pick(programs);
  const outcome = outcomeOf(random);
  const rows = random.between(1, statement.rows);
  return {
    ...eventHead(random, atMs),
    actor: person === undefined ? serviceActor(service) : personActor(person, atMs),
    action: { op: statement.op, name: statement.name, kind: "datastore" },
    resources: statement.tables.map((table) => ({ type: "pg.table", id: table, scope: ["clinic"] })),
    outcome,
    source:
      person === undefined
        ? { ip: service.ip, ipTrust: "peer", host: service.host }
        : { ip: person.ip, ipTrust: "peer", service: "psql" },
    impact:
      outcome.status === "success"
        ? { rows: String(rows), fields: statement.fields, queryDigest: statement.digest }
        : { queryDigest: statement.digest },
    origin: { source: "postgres", system: "pg-main", adapter: "pgaudit" },
  };
}
