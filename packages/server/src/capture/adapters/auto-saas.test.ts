import { describe, expect, it } from "vitest";
import { hasSharedData, type NativeInput, pantherEvents, readNative, readShared } from "../testing/index.ts";
import { adapters } from "./index.ts";

/** How many records each adapter took, chosen record by record. */
function takenBy({ readings }: NativeInput): Readonly<Record<string, number>> {
  const taken: Record<string, number> = {};
  for (const reading of readings) {
    const made =
      reading.kind === "event"
        ? (JSON.parse(reading.json) as { origin: { adapter: string } }).origin.adapter
        : undefined;
    const name = made ?? (reading.kind === "unreadable" ? reading.adapter : reading.kind) ?? "nobody";
    taken[name] = (taken[name] ?? 0) + 1;
  }
  return taken;
}

describe.skipIf(!hasSharedData)("records of services (skipped where ../shared/data is absent)", () => {
  it.each([
    ["Okta.SystemLog", { okta: 29 }],
    ["GitHub.Audit", { github: 50 }],
    ["Azure.MonitorActivity", { "azure-activity": 95 }],
    ["Azure.Audit", { entra: 37 }],
    ["Gravitational.TeleportAudit", { teleport: 15 }],
  ])("%s are recognised by their own adapter and no other", async (file, expected) => {
    expect(takenBy(await readNative(adapters, pantherEvents(file)))).toEqual(expected);
  });

  it.each(["Slack.AuditLogs", "OpenAI.Audit", "Anthropic.Activity"])(
    "%s, which nothing is for, are taken by nobody",
    async (file) => {
      expect(Object.keys(takenBy(await readNative(adapters, pantherEvents(file))))).toEqual(["nobody"]);
    },
  );

  it("are told apart when they are mixed", async () => {
    const files = [
      "Okta.SystemLog",
      "GitHub.Audit",
      "Azure.MonitorActivity",
      "Azure.Audit",
      "Gravitational.TeleportAudit",
    ];
    const lines = files.map((file) => pantherEvents(file).split("\n"));
    const mixed = Array.from({ length: 95 }, (_none, at) => lines.flatMap((each) => each[at] ?? [])).flat();
    const log = readShared("crowdsec/teleport-bf/teleport-bf.log").toString("utf8").trim();
    expect(takenBy(await readNative(adapters, [...mixed, log].join("\n")))).toEqual({
      okta: 29,
      github: 50,
      "azure-activity": 95,
      entra: 37,
      teleport: 21,
    });
  });
});
