import { IDENTITIES, type Person, peopleOf, personActor, personSource } from "../company.ts";
import { type DemoEvent, eventHead, type Resource } from "../demo-event.ts";
import type { Random } from "../random.ts";
import { type Incident, ScriptClock } from "./incident.ts";

function iamEvent(
  random: Random,
  atMs: number,
  act: {
    readonly person: Person;
    readonly op: DemoEvent["action"]["op"];
    readonly name: string;
    readonly resources: readonly Resource[];
  },
): DemoEvent {
  return {
    ...eventHead(random, atMs),
    actor: personActor(act.person, atMs),
    action: { op: act.op, name: act.name, kind: "iam" },
    resources: [...act.resources],
    outcome: { status: "success" },
    source: personSource(act.person),
    trace: { requestId: random.hex(6), correlationId: random.hex(4) },
    origin: { source: "identity-provider", system: IDENTITIES, adapter: "okta", nativeId: random.hex(8) },
    labels: ["privileged"],
  };
}

/** A developer puts themselves into the administrators' group, acts, and takes the trace away. */
export const ownGrant: Incident = {
  name: "privilege granted to oneself",
  summary:
    "a developer adds their own account to billing-admins, changes the payout account, and leaves the group again",
  search: "action.op:(GRANT or REVOKE) resources.id:grp-billing-admins",
  hour: 11,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const person = random.pick(peopleOf("engineering"));
    const group: Resource = { type: "group", id: "grp-billing-admins", name: "billing-admins" };
    const self: Resource = { type: "user", id: person.id, name: person.email, role: "affected" };
    const payout: Resource = { type: "setting", id: "billing/payout-account", scope: ["billing"] };
    return [
      iamEvent(random, clock.after(20), { person, op: "LIST", name: "group.list", resources: [group] }),
      iamEvent(random, clock.after(40), {
        person,
        op: "GRANT",
        name: "group.user_membership.add",
        resources: [group, self],
      }),
      iamEvent(random, clock.after(90), { person, op: "READ", name: "setting.read", resources: [payout] }),
      iamEvent(random, clock.after(60), { person, op: "CONFIGURE", name: "setting.update", resources: [payout] }),
      iamEvent(random, clock.after(120), {
        person,
        op: "REVOKE",
        name: "group.user_membership.remove",
        resources: [group, self],
      }),
    ];
  },
};
