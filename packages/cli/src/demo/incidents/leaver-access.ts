import { IDENTITIES, peopleOf, personActor, personSource } from "../company.ts";
import { type DemoEvent, eventHead } from "../demo-event.ts";
import { type Incident, ScriptClock } from "./incident.ts";

/** Someone who has left the company still has an access key that works. */
export const leaverAccess: Incident = {
  name: "a leaver's access",
  summary: "an account is deactivated in the morning; its access key goes on reading documents in the evening",
  search: "actor.credential.kind:access_key",
  hour: 9,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const officer = random.pick(peopleOf("people"));
    const leaver = random.pick(peopleOf("support"));
    const leftMs = clock.after(1);
    const left: DemoEvent = {
      ...eventHead(random, leftMs),
      actor: personActor(officer, leftMs),
      action: { op: "REVOKE", name: "user.lifecycle.deactivate", kind: "iam" },
      resources: [{ type: "user", id: leaver.id, name: leaver.email }],
      outcome: { status: "success" },
      source: personSource(officer),
      trace: { requestId: random.hex(6) },
      origin: { source: "identity-provider", system: IDENTITIES, adapter: "okta", nativeId: random.hex(8) },
    };
    clock.after(11 * 3600);
    const reads = Array.from({ length: 12 }, (): DemoEvent => {
      const atMs = clock.after(15);
      const { session: _, ...actor } = personActor(leaver, atMs);
      const isLast = random.chance(0.15);
      return {
        ...eventHead(random, atMs),
        actor: { ...actor, credential: { kind: "access_key", id: `AKIA${leaver.id.slice(3).toUpperCase()}ALDER` } },
        action: { op: "READ", name: "s3:GetObject", kind: "api" },
        resources: [
          {
            type: "s3.object",
            id: `arn:aws:s3:::alderbrook-documents/scans/2026/${random.hex(4)}.pdf`,
            scope: ["eu-central-1"],
          },
        ],
        outcome: isLast
          ? { status: "denied", code: "403", reason: "AccessDenied" }
          : { status: "success", code: "200" },
        source: { ip: "198.51.100.201", ipTrust: "peer", userAgent: "aws-cli/2.31.2 md/awscrt#0.27.6 ua/2.1 os/macos" },
        ...(isLast ? {} : { impact: { objects: "1", bytesOut: String(random.between(90_000, 2_000_000)) } }),
        trace: { requestId: random.hex(4).toUpperCase() },
        origin: {
          source: "object-store",
          system: "s3",
          adapter: "cloudtrail",
          nativeId: random.hex(8),
          nativeVersion: "1.11",
        },
        labels: ["phi"],
      };
    });
    return [left, ...reads];
  },
};
