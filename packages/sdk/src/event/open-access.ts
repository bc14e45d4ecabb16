import type { EventDraft } from "./access-event.ts";
import type { OpenAccess, Recorded } from "./recorder.ts";

/** How a client records an access that has begun, and forgets that it had. */
interface OpenAccessSteps {
  readonly id: string;
  readonly begunMs: number;
  readonly record: (draft: EventDraft) => Recorded;
  readonly forget: () => void;
}

/** An access that ends once. */
export function makeOpenAccess({ id, begunMs, record, forget }: OpenAccessSteps): OpenAccess {
  let isOpen = true;
  return {
    id,
    begunMs,
    record(draft) {
      if (!isOpen) return { kind: "refused", why: "closed", message: "this access was recorded or abandoned already" };
      isOpen = false;
      const recorded = record(draft);
      // What was not accepted stays noted: should the process die, the report of that names it.
      if (recorded.kind === "accepted") forget();
      return recorded;
    },
    abandon() {
      if (isOpen) forget();
      isOpen = false;
    },
  };
}
