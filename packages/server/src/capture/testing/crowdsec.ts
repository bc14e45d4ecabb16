import type { AccessEvent } from "@evident/core";
import type { NativeInput } from "./read-native.ts";
import { readShared } from "./shared-data.ts";

/** What a `parser.assert` file says of one line. */
export interface Expectation {
  /** The line without the head of syslog. */
  readonly message: string;
  readonly meta: Readonly<Record<string, string>>;
}

const ASSERTION =
  /^results\["(s\d\d-\w+)"\]\["([\w./-]+)"\]\[(\d+)\]\.Evt\.(?:(Meta|Parsed)\["(\w+)"\]|Success) == ("(?:[^"\\]|\\.)*"|true|false)$/gm;

/** Every line that a fixture's parsers understood, with what their last stage says of it. */
export function crowdsecExpectations(path: string): readonly Expectation[] {
  const messages = new Map<string, string>();
  const stages = new Map<string, Map<string, Record<string, string>>>();
  const text = readShared(path).toString("utf8");
  for (const [, stage = "", parser = "", index = "", group, name = "", value = ""] of text.matchAll(ASSERTION)) {
    if (group === undefined) continue;
    if (stage === "s00-raw") {
      if (name === "message") messages.set(index, unquote(value));
      continue;
    }
    const records = stages.get(`${stage} ${parser}`) ?? new Map<string, Record<string, string>>();
    stages.set(`${stage} ${parser}`, records);
    const meta = records.get(index) ?? {};
    records.set(index, meta);
    if (group === "Meta") meta[name] = unquote(value);
  }
  const [last] = [...stages].sort(([left], [right]) => rank(right) - rank(left));
  return [...(last?.[1] ?? [])].flatMap(([index, meta]) =>
    Object.keys(meta).length > 2 ? [{ message: messages.get(index) ?? "", meta }] : [],
  );
}

/** The stage that knows most comes last: the one that has read the time, else the parser itself. */
function rank(stage: string): number {
  if (stage.endsWith("dateparse-enrich")) return 2;
  return stage.startsWith("s01") ? 1 : 0;
}

function unquote(text: string): string {
  const json = text.replaceAll(/\\(?:x([0-9a-f]{2})|.)/g, (all, hex?: string) =>
    hex === undefined ? all : `\\u00${hex}`,
  );
  return JSON.parse(json) as string;
}

/** How an event states each thing that the fixtures know. */
const facts: Readonly<Record<string, (event: AccessEvent) => string | undefined>> = {
  source_ip: ({ source }) => source.ip,
  http_status: ({ outcome }) => outcome.code ?? "-",
  http_verb: ({ action }) => action.name,
  http_user_agent: ({ source }) => source.userAgent ?? "-",
  target_fqdn: ({ resources }) => resources[0]?.scope?.[0],
  user: userOf,
  username: userOf,
  target_user: userOf,
  machine: ({ origin }) => origin.system,
};

function userOf({ actor }: AccessEvent): string {
  return actor.type === "anonymous" ? "-" : actor.id;
}

/**
 * Compares events with expectations.
 *
 * @returns how many facts agree, and each that does not: `line 3 user: toto, not 1.2.3.4`
 */
export function compareCrowdsec(
  input: NativeInput,
  raw: string,
  expectations: readonly Expectation[],
): { readonly agree: number; readonly differ: readonly string[] } {
  const lines = raw.split("\n");
  const differ: string[] = [];
  const used = new Set<number>();
  let agree = 0;
  for (const { message, meta } of expectations) {
    const index = lines.findIndex((line, at) => !used.has(at) && line.trimEnd().endsWith(message.trimEnd()));
    used.add(index);
    const reading = input.readings.find(({ line }) => line === index + 1);
    if (reading?.kind !== "event") {
      differ.push(`line ${index + 1}: ${reading?.kind ?? "absent"}`);
      continue;
    }
    const event = JSON.parse(reading.json) as AccessEvent;
    for (const [name, expected] of Object.entries(meta)) {
      const fact = name === "timestamp" ? timeOf(event, expected) : facts[name]?.(event);
      if (fact === undefined && facts[name] === undefined && name !== "timestamp") continue;
      if (fact === expected) agree += 1;
      else differ.push(`line ${index + 1} ${name}: ${expected}, not ${fact}`);
    }
  }
  return { agree, differ };
}

/** The event's time as the expectation writes it when they are the same moment. */
function timeOf({ time }: AccessEvent, expected: string): string {
  return Date.parse(time.occurred) === Date.parse(expected) ? expected : time.occurred;
}
