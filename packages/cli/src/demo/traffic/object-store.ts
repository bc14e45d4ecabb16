import { peopleOf, personActor, serviceActor, services } from "../company.ts";
import { type DemoEvent, eventHead, httpOutcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

const buckets = [
  { name: "alderbrook-documents", prefix: "scans", type: "pdf", labels: ["phi"], bytes: 900_000 },
  { name: "alderbrook-backups", prefix: "pg-main", type: "zst", labels: ["phi", "backup"], bytes: 64_000_000 },
  { name: "alderbrook-reports", prefix: "monthly", type: "parquet", labels: ["pii"], bytes: 4_000_000 },
] as const;
const calls = [
  { name: "GetObject", op: "READ" },
  { name: "GetObject", op: "READ" },
  { name: "PutObject", op: "CREATE" },
  { name: "ListObjectsV2", op: "LIST" },
  { name: "HeadObject", op: "READ" },
] as const;
const readers = [...peopleOf("finance"), ...peopleOf("clinical")] as const;

/** A request to the object store. */
export function objectStoreEvent(random: Random, atMs: number, isNight: boolean): DemoEvent {
  const bucket = isNight ? buckets[1] : random.pick(buckets);
  const call = random.pick(calls);
  const person = !isNight && random.chance(0.2) ? random.pick(readers) : undefined;
  const service = isNight ? services.backup : random.pick([services.api, services.reports]);
  const outcome = httpOutcome(random, 0.01, 0.008);
  const key =
    call.op === "LIST"
      ? `${bucket.prefix}/`
      : `${bucket.prefix}/${random.between(2019, 2026)}/${random.hex(4)}.${bucket.type}`;
  const bytes = String(random.between(1_000, bucket.bytes));
  return {
    ...eventHead(random, atMs),
    actor: person === undefined ? serviceActor(service) : personActor(person, atMs),
    action: { op: call.op, name: `s3:${call.name}`, kind: "api" },
    resources: [{ type: "s3.object", id: `arn:aws:s3:::${bucket.name}/${key}`, scope: [bucket.name] }],
    outcome,
    source: {
      ip: person?.ip ?? service.ip,
      ipTrust: "peer",
      userAgent: person === undefined ? "aws-sdk-js/3.921.0" : "aws-cli/2.31.2",
    },
    ...(outcome.status !== "success" || call.op === "LIST"
      ? {}
      : { impact: call.op === "CREATE" ? { objects: "1", bytesIn: bytes } : { objects: "1", bytesOut: bytes } }),
    origin: { source: "object-store", system: "s3", adapter: "cloudtrail", nativeId: random.hex(4) },
    labels: bucket.labels,
  };
}
