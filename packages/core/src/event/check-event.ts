import { Compile } from "typebox/compile";
import { nearestName } from "../errors/index.ts";
import { compareNumbers, isRawNumber } from "../predicate/index.ts";
import { type AccessEvent, AccessEventSchema } from "./event-schema.ts";
import { dotted, excerpt, type Problem } from "./problem.ts";
import { parseTime } from "./time.ts";

const validator = Compile(AccessEventSchema);
const MAX_PROBLEMS = 20;
/** The longest list of the schema. */
const MAX_ITEMS = 1_000;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** A valid event with its times in stored form, or everything that is wrong with the value (at most 20 problems). */
export type CheckedEvent =
  | { readonly ok: true; readonly event: AccessEvent }
  | { readonly ok: false; readonly problems: readonly Problem[] };

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Brings the three times of an event into stored form, in place. */
function storeTimes(event: Members, problems: Problem[]): void {
  const session = isObject(event.actor) && isObject(event.actor.session) ? event.actor.session : undefined;
  const places: [Members | undefined, string, string][] = [
    [isObject(event.time) ? event.time : undefined, "occurred", "time.occurred"],
    [isObject(event.time) ? event.time : undefined, "ended", "time.ended"],
    [session, "created", "actor.session.created"],
  ];
  for (const [object, key, field] of places) {
    const value = object?.[key];
    if (object === undefined || typeof value !== "string") continue;
    const parsed = parseTime(value);
    if (parsed.ok) object[key] = parsed.time;
    else problems.push({ field, problem: `${excerpt(value)} ${parsed.problem}`, fix: parsed.fix });
  }
}

/** Numbers of the schema whose source text was kept although a double says the same: `443.0`, `52.50`, `1e1`. */
function plainNumbers(event: Members): void {
  const source = isObject(event.source) ? event.source : undefined;
  const geo = isObject(source?.geo) ? source.geo : undefined;
  for (const [object, key] of [
    [event, "v"],
    [source, "port"],
    [geo, "lat"],
    [geo, "lon"],
  ] as const) {
    const value = object?.[key];
    if (object === undefined || !isRawNumber(value)) continue;
    const number = Number(value.rawJSON);
    if (compareNumbers(value.rawJSON, String(number)) === 0) object[key] = number;
  }
}

function checkAddress(event: AccessEvent, problems: Problem[]): void {
  const { ip } = event.source;
  if (ip === undefined || IPV4.test(ip) || isIpv6(ip)) return;
  problems.push({
    field: "source.ip",
    problem: `${excerpt(ip)} is not an IP address`,
    fix: "Send an IPv4 or IPv6 address; put names in source.host.",
  });
}

function isIpv6(ip: string): boolean {
  const tail = ip.lastIndexOf(":");
  const dotted = ip.includes(".");
  if (dotted && !IPV4.test(ip.slice(tail + 1))) return false;
  const groups = (dotted ? `${ip.slice(0, tail + 1)}0:0` : ip).split("::");
  if (groups.length > 2) return false;
  const words = groups.flatMap((side) => (side === "" ? [] : side.split(":")));
  return (
    words.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word)) &&
    (groups.length === 2 ? words.length < 8 : words.length === 8)
  );
}

/** Checks a parsed value against the event schema. The value becomes the event: its times are rewritten in place. */
export function checkEvent(value: unknown): CheckedEvent {
  if (!isObject(value)) {
    return {
      ok: false,
      problems: [{ field: "", problem: `${excerpt(value)} is not an object`, fix: "Send one event as a JSON object." }],
    };
  }
  const problems: Problem[] = [];
  storeTimes(value, problems);
  plainNumbers(value);
  if (problems.length === 0 && validator.Check(value)) {
    checkAddress(value, problems);
    if (problems.length === 0) return { ok: true, event: value };
  } else {
    explainAll(value, problems);
  }
  return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
}

function explainAll(value: Members, problems: Problem[]): void {
  const seen = new Set(problems.map(({ field }) => field));
  for (const error of validator.Errors(cut(value, [])) as Iterable<SchemaError>) {
    for (const problem of describe(value, error)) {
      if (seen.has(problem.field)) continue;
      seen.add(problem.field);
      problems.push(problem);
    }
  }
  if (problems.length === 0)
    problems.push({ field: "", problem: "the value is not an event", fix: "Compare it with /schema/event.json." });
}

/**
 * A copy of a value for the explanation, with no more than a few problems in it: every member and item would be looked at, and a record
 * may hold millions of wrong ones.
 */
function cut(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS + 1).map((item, at) => cut(item, [...path, String(at)]));
  if (!isObject(value) || isRawNumber(value) || (path.length === 1 && (path[0] === "native" || path[0] === "detail")))
    return value;
  const known = knownNames(path);
  const copy: Members = {};
  let unknown = 0;
  for (const name in value) {
    if (!known.includes(name) && ++unknown > MAX_PROBLEMS) break;
    setMember(copy, name, known.includes(name) ? cut(value[name], [...path, name]) : true);
  }
  for (const name of known) if (Object.hasOwn(value, name)) setMember(copy, name, cut(value[name], [...path, name]));
  return copy;
}

/** Also for `__proto__`, which an assignment would take for something else. */
function setMember(object: Members, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

interface Finding {
  readonly path: readonly string[];
  readonly field: string;
  readonly found: unknown;
  readonly params: {
    readonly requiredProperties?: readonly string[];
    readonly additionalProperties?: readonly string[];
    readonly allowedValues?: readonly unknown[];
    readonly limit?: number;
    readonly type?: string | readonly string[];
  };
}

/** What each JSON Schema keyword that failed means to the sender. */
const explanations: Readonly<Record<string, (finding: Finding) => Problem[]>> = {
  required: ({ path, params }) =>
    (params.requiredProperties ?? []).map((name) => {
      const field = dotted([...path, name]);
      return { field, problem: "is missing", fix: `Add ${field}.` };
    }),
  additionalProperties: ({ path, params, found }) =>
    (params.additionalProperties ?? []).map((name) => unknownField(path, name, found)),
  boolean: () => [],
  enum: ({ field, found, params }) => {
    const fix = `Use one of ${(params.allowedValues ?? []).join(", ")}.`;
    return [{ field, problem: `${excerpt(found)} is not one of the allowed values`, fix }];
  },
  const: ({ field, found }) => [
    { field, problem: `${excerpt(found)} is not 1`, fix: "Send 1: this is the only version of the schema." },
  ],
  type: ({ field, found, params }) => [typeProblem(field, found, String(params.type))],
  minLength: ({ field }) => [{ field, problem: "is empty", fix: "Leave the field out when the value is unknown." }],
  maxLength: ({ field, params }) => [
    {
      field,
      problem: `has more than ${params.limit ?? 0} characters`,
      fix: "Shorten it; put the whole in native or detail.",
    },
  ],
  minItems: ({ field }) => {
    const fix =
      field === "resources" ? "Name at least one resource." : "Leave the field out when there is nothing in it.";
    return [{ field, problem: "is an empty list", fix }];
  },
  maxItems: ({ field, params }) => [
    { field, problem: `has more than ${params.limit ?? 0} items`, fix: "Send fewer items; set impact.truncated." },
  ],
  pattern: ({ field, found }) => [patternProblem(field, found)],
};

function describe(root: Members, error: SchemaError): Problem[] {
  const path = error.instancePath.split("/").slice(1).map(unescapePointer);
  const field = dotted(path);
  const found = valueAt(root, path);
  const explain = explanations[error.keyword];
  if (explain !== undefined) return explain({ path, field, found, params: error.params });
  return [{ field, problem: `${excerpt(found)} is out of range`, fix: "See /schema/event.json for the limits." }];
}

function unknownField(path: readonly string[], name: string, parent: unknown): Problem {
  const known = isObject(parent) ? knownNames(path) : [];
  const nearest = nearestName(name, known);
  const fix =
    nearest === undefined
      ? "Put it into detail."
      : `Did you mean ${dotted([...path, nearest])}? Further facts go into detail.`;
  return { field: dotted([...path, name]), problem: "is not a field of an event", fix };
}

function typeProblem(field: string, found: unknown, type: string): Problem {
  if (found === null) return { field, problem: "is null", fix: "Leave the field out when the value is unknown." };
  if (isRawNumber(found)) {
    const fix =
      type === "string" ? "Send it as text: ids and counts are strings." : `Send a number with at most 15 digits.`;
    return { field, problem: `${excerpt(found)} is not of type ${type}`, fix };
  }
  const isNumericText = type === "string" && typeof found === "number";
  return {
    field,
    problem: `${excerpt(found)} is not of type ${type}`,
    fix: isNumericText ? "Send it as text: ids and counts are strings." : `Send a value of type ${type}.`,
  };
}

function patternProblem(field: string, found: unknown): Problem {
  if (found === "-") return { field, problem: 'is "-"', fix: "Leave the field out when the value is unknown." };
  if (field === "source.ip")
    return {
      field,
      problem: `${excerpt(found)} is not an IP address`,
      fix: "Send an IPv4 or IPv6 address; put names in source.host.",
    };
  if (/^impact\.|\.seq$|\.asn$/.test(field))
    return { field, problem: `${excerpt(found)} is not a decimal number`, fix: "Send digits only, as text." };
  return { field, problem: `${excerpt(found)} has not the right form`, fix: "See the pattern in /schema/event.json." };
}

/** Names of the members that the schema knows at a path. */
function knownNames(path: readonly string[]): readonly string[] {
  let schema: { properties?: Record<string, object>; items?: object } | undefined = AccessEventSchema;
  for (const step of path) schema = (/^\d+$/.test(step) ? schema?.items : schema?.properties?.[step]) as typeof schema;
  return Object.keys(schema?.properties ?? {});
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const step of path) value = typeof value === "object" && value !== null ? (value as Members)[step] : undefined;
  return value;
}

function unescapePointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
