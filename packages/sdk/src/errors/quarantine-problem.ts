import type { Reason } from "../send/index.ts";
import type { Problem } from "./problem.ts";

/** An event that went into quarantine, as a problem. */
export function quarantineProblem({
  id,
  reasons,
}: {
  readonly id: string | undefined;
  readonly reasons: readonly Reason[];
}): Problem {
  const why = reasons.map(({ field, problem }) => `${field} ${problem}`.trim()).join("; ");
  return {
    code: "quarantined",
    message: `the server put ${id ?? "an event"} in quarantine: ${why}`,
    fix: reasons[0]?.fix ?? "",
  };
}
