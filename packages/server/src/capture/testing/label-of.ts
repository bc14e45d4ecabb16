import type { AccessEvent } from "@evident/core";
import type { NativeInput } from "./read-native.ts";

/** What a person reads out of a record: actor, operation, action, first resource, scope, outcome, address. */
export type Label = readonly [
  actor: string,
  op: string,
  action: string,
  resource: string,
  scope: string,
  outcome: string,
  ip: string,
];

/** An event in the form of a label; `-` where it says nothing. */
function labelOf({ actor, action, resources, outcome, source }: AccessEvent): Label {
  const [resource] = resources;
  return [
    `${actor.type} ${actor.id}`,
    action.op,
    action.name,
    `${resource?.type} ${resource?.id}`,
    resource?.scope?.join(" > ") ?? "-",
    outcome.status,
    source.ip ?? "-",
  ];
}

/** The labels of the records at these lines; what is no event says why. */
export function labelsAt(
  { readings }: NativeInput,
  lines: readonly number[],
): readonly (readonly [number, ...string[]])[] {
  return lines.map((line) => {
    const reading = readings.find((each) => each.line === line);
    switch (reading?.kind) {
      case "event":
        return [line, ...labelOf(JSON.parse(reading.json) as AccessEvent)];
      case "unreadable":
        return [line, "unreadable", reading.reasons.map(({ field }) => field).join(" ")];
      case "skipped":
        return [line, "skipped", reading.why];
      case "merged":
      case undefined:
        return [line, reading?.kind ?? "absent"];
    }
  });
}
