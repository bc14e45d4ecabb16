import { patientId, peopleOf, personActor } from "../company.ts";
import { type DemoEvent, eventHead, traceIds } from "../demo-event.ts";
import { identityEvent } from "../traffic/index.ts";
import { type Incident, ScriptClock } from "./incident.ts";

const ADDRESS = "203.0.113.77";
const USER_AGENT = "python-requests/2.32.5";

/** Somebody guesses a password from abroad, gets in, and reads patients. */
export const bruteForce: Incident = {
  name: "brute force, then success",
  summary:
    "dozens of wrong passwords for one account from one address abroad, then the right one, then patients are read",
  search: `source.ip:${ADDRESS}`,
  hour: 4,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const person = random.pick(peopleOf("support"));
    const signIn = (seconds: number, outcome: DemoEvent["outcome"]): DemoEvent => {
      const act = { person, name: "user.session.start", op: "AUTH", application: "patient-api", outcome } as const;
      return identityEvent(random, clock.after(seconds), { ...act, ip: ADDRESS, country: "KP", userAgent: USER_AGENT });
    };
    const wrong = { status: "denied", code: "INVALID_CREDENTIALS", reason: "the password is wrong" } as const;
    const events = Array.from({ length: random.between(28, 44) }, () => signIn(4, wrong));
    events.push(signIn(6, { status: "success" }));
    for (let read = 0; read < 9; read += 1) {
      const { session: _, ...actor } = personActor(person, startMs);
      events.push({
        ...eventHead(random, clock.after(8)),
        actor: { ...actor, session: { id: `ses-${random.hex(3)}`, mfa: false } },
        action: { op: "READ", name: "GET /v1/patients/{id}", kind: "http" },
        resources: [{ type: "patient", id: patientId(random), scope: [`clinic-${1 + (read % 6)}`] }],
        outcome: { status: "success", code: "200" },
        source: { ip: ADDRESS, ipTrust: "forwarded", service: "edge-proxy", userAgent: USER_AGENT },
        impact: { rows: "1", bytesOut: "1904", fields: ["name", "birth_date", "allergies"] },
        trace: traceIds(random),
        origin: { source: "patient-api", system: "svc-patient-api", adapter: "sdk" },
        labels: ["phi"],
      });
    }
    return events;
  },
};
