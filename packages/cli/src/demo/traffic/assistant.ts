import { IDENTITIES, type Person, patientId, peopleOf, SERVICES } from "../company.ts";
import { type Actor, type DemoEvent, eventHead, httpOutcome } from "../demo-event.ts";
import type { Random } from "../random.ts";

const tools = [
  { name: "search_patients", op: "LIST", type: "patient", labels: ["phi"], tokens: 420 },
  { name: "read_lab_results", op: "READ", type: "lab_result", labels: ["phi"], tokens: 910 },
  { name: "draft_letter", op: "CREATE", type: "letter", labels: ["phi"], tokens: 1_650 },
  { name: "query_invoices", op: "READ", type: "invoice", labels: ["pii"], tokens: 380 },
  { name: "read_calendar", op: "READ", type: "calendar", labels: ["pii"], tokens: 150 },
] as const;
const askers = [...peopleOf("clinical"), ...peopleOf("finance")] as const;

/** The company's AI agent, acting for one person with its own credential. */
export function assistantActor(person: Person, conversation: string): Actor {
  return {
    type: "agent",
    id: "agent-juniper",
    ns: SERVICES,
    name: "Juniper",
    session: { id: conversation },
    credential: { kind: "delegated_token", id: `dlg-${conversation.slice(-8)}` },
    onBehalfOf: [{ type: "user", id: person.id, ns: IDENTITIES, name: person.name }],
  };
}

/** A tool call of the AI agent. */
export function assistantEvent(random: Random, atMs: number): DemoEvent {
  const tool = random.pick(tools);
  const person = random.pick(askers);
  const conversation = `conv-${person.id.slice(3)}-${Math.floor(atMs / 600_000).toString(36)}`;
  const outcome = httpOutcome(random, 0.05, 0.02);
  const id = tool.type === "patient" ? patientId(random) : `${tool.type}-${random.skewed(90_000)}`;
  return {
    ...eventHead(random, atMs),
    actor: assistantActor(person, conversation),
    action: { op: tool.op, name: `tool.${tool.name}`, kind: "tool" },
    resources: [{ type: tool.type, id, scope: ["workspace"] }],
    outcome,
    source: { ip: "10.40.4.20", ipTrust: "peer", host: "assistant-0" },
    ...(outcome.status === "success" ? { impact: { rows: String(random.between(1, 20)) } } : {}),
    trace: { requestId: random.hex(4) },
    origin: { source: "assistant", system: "assistant-runtime", adapter: "sdk" },
    labels: tool.labels,
    detail: { tokens: tool.tokens + random.below(300) },
  };
}
