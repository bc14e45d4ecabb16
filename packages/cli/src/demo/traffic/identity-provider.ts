import { IDENTITIES, type Person, people, personActor } from "../company.ts";
import { type DemoEvent, eventHead, type Outcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

const acts = [
  { name: "user.session.start", op: "AUTH" },
  { name: "user.session.start", op: "AUTH" },
  { name: "user.authentication.auth_via_mfa", op: "AUTH" },
  { name: "user.authentication.sso", op: "AUTH" },
  { name: "user.session.end", op: "LOGOUT" },
  { name: "user.account.update_password", op: "UPDATE" },
] as const;
const applications = ["patient-api", "console", "payroll", "chat"] as const;
const [firstPerson, ...otherPeople] = people;
if (firstPerson === undefined) throw new Error("the company has no people");
const everyone: readonly [Person, ...Person[]] = [firstPerson, ...otherPeople];

/** One event of the identity provider's system log; also used by the incidents. */
export function identityEvent(
  random: Random,
  atMs: number,
  act: {
    readonly person: Person;
    readonly name: string;
    readonly op: DemoEvent["action"]["op"];
    readonly application: string;
    readonly outcome: Outcome;
    readonly ip?: string;
    readonly country?: string;
    readonly userAgent?: string;
  },
): DemoEvent {
  const { person } = act;
  return {
    ...eventHead(random, atMs),
    actor: personActor(person, atMs),
    action: { op: act.op, name: act.name, kind: "auth" },
    resources: [
      { type: "application", id: act.application },
      { type: "user", id: person.id, role: "affected" },
    ],
    outcome: act.outcome,
    source: {
      ip: act.ip ?? person.ip,
      ipTrust: "peer",
      userAgent: act.userAgent ?? person.userAgent,
      geo: { country: act.country ?? "NO" },
    },
    trace: { correlationId: random.hex(4) },
    origin: { source: "identity-provider", system: IDENTITIES, adapter: "okta", nativeId: random.hex(4) },
  };
}

function outcomeOf(random: Random, op: DemoEvent["action"]["op"]): Outcome {
  if (op !== "AUTH" || !random.chance(0.06)) return { status: "success" };
  return random.chance(0.8)
    ? { status: "denied", code: "INVALID_CREDENTIALS", reason: "the password is wrong" }
    : { status: "denied", code: "MFA_TIMEOUT", reason: "the second factor was not confirmed in time" };
}

/** Someone signing in, out, or in again elsewhere. */
export function identityProviderEvent(random: Random, atMs: number): DemoEvent {
  const { name, op } = random.pick(acts);
  const person = random.pick(everyone);
  return identityEvent(random, atMs, {
    person,
    name,
    op,
    application: random.pick(applications),
    outcome: outcomeOf(random, op),
  });
}
