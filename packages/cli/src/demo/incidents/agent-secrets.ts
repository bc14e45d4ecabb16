import { peopleOf } from "../company.ts";
import { type DemoEvent, eventHead } from "../demo-event.ts";
import { assistantActor } from "../traffic/index.ts";
import { type Incident, ScriptClock } from "./incident.ts";

const steps = [
  { op: "READ", name: "tool.fetch_url", type: "url", id: "https://forum.example.net/thread/8121", isAllowed: true },
  { op: "LIST", name: "tool.list_secrets", type: "secret", id: "vault/prod/*", isAllowed: true },
  { op: "READ", name: "tool.read_secret", type: "secret", id: "vault/prod/payment-gateway", isAllowed: false },
  { op: "READ", name: "tool.read_secret", type: "secret", id: "vault/prod/patient-api-db", isAllowed: true },
  { op: "READ", name: "tool.read_secret", type: "secret", id: "vault/prod/backup-encryption", isAllowed: true },
  { op: "WRITE", name: "tool.fetch_url", type: "url", id: "https://paste.example.net/api/new", isAllowed: true },
] as const;

/** The AI agent follows instructions hidden in a page that it was asked to read. */
export const agentSecrets: Incident = {
  name: "secrets read by an agent",
  summary:
    "the AI agent reads a page for someone, then lists and reads production secrets, then sends something to a paste site",
  search: "actor.type:agent resources.type:secret",
  hour: 13,
  script(random, startMs, pace) {
    const clock = new ScriptClock(random, startMs, pace);
    const person = random.pick(peopleOf("clinical"));
    const conversation = `conv-${person.id.slice(3)}-${Math.floor(startMs / 600_000).toString(36)}`;
    return steps.map(
      ({ op, name, type, id, isAllowed }, step): DemoEvent => ({
        ...eventHead(random, clock.after(9)),
        actor: assistantActor(person, conversation),
        action: { op, name, kind: "tool" },
        resources: [{ type, id }],
        outcome: isAllowed
          ? { status: "success" }
          : { status: "denied", code: "policy", reason: "not in the agent's scope" },
        source: { ip: "10.40.4.20", ipTrust: "peer", service: "assistant-runtime", host: "assistant-0" },
        trace: { requestId: `call-${random.hex(4)}`, correlationId: conversation },
        origin: { source: "assistant", system: "assistant-runtime", adapter: "sdk" },
        detail: { model: "juniper-2", step: step + 1, task: "summarise this page for me" },
      }),
    );
  },
};
