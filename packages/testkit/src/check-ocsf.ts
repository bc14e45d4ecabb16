/**
 * A compact check of exported events against what OCSF 1.8 requires, kept by hand from the published class and object definitions: for each
 * class and object that we write its attributes with their types, which are required, of which there must be at least one, and which
 * values an enumeration has. What is not listed is a problem, so an attribute that the class does not have is found.
 */

import { type Kind, type ObjectName, objects, range, type Shape } from "./ocsf-objects.ts";

const everyEvent: Shape = {
  attributes: {
    class_uid: "integer",
    class_name: "string",
    category_uid: "integer",
    category_name: "string",
    activity_id: "integer",
    activity_name: "string",
    type_uid: "integer",
    type_name: "string",
    severity_id: "integer",
    severity: "string",
    time: "time",
    start_time: "time",
    end_time: "time",
    status_id: "integer",
    status: "string",
    status_code: "string",
    status_detail: "string",
    message: "string",
    metadata: "metadata",
    raw_data_size: "integer",
    unmapped: "json",
  },
  required: ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"],
  values: { severity_id: range(6), status_id: [0, 1, 2, 99] },
};

interface ClassShape extends Shape {
  readonly category: number;
  readonly activities: readonly number[];
}

const iam = { actor: "actor", src_endpoint: "endpoint", http_request: "http_request" } as const;
const application = { actor: "actor", src_endpoint: "endpoint" } as const;

const classes: Readonly<Record<number, ClassShape>> = {
  0: { category: 0, activities: [0, 99], attributes: {} },
  3001: { category: 3, activities: range(12), attributes: { ...iam, user: "user" }, required: ["user"] },
  3002: {
    category: 3,
    activities: range(7),
    attributes: { ...iam, user: "user", service: "service", session: "session", is_mfa: "boolean" },
    required: ["user"],
    atLeastOne: [["service", "dst_endpoint"]],
  },
  3004: { category: 3, activities: range(13), attributes: { ...iam, entity: "managed_entity" }, required: ["entity"] },
  3005: {
    category: 3,
    activities: range(4),
    attributes: { ...iam, user: "user", privileges: "strings", resources: "resource[]" },
    required: ["user"],
  },
  3006: {
    category: 3,
    activities: range(13),
    attributes: { ...iam, group: "group", user: "user", privileges: "strings" },
    required: ["group"],
  },
  4002: {
    category: 4,
    activities: range(9),
    attributes: {
      ...application,
      http_request: "http_request",
      http_response: "http_response",
      dst_endpoint: "endpoint",
      traffic: "traffic",
    },
    atLeastOne: [
      ["http_request", "http_response"],
      ["src_endpoint", "dst_endpoint"],
    ],
  },
  6001: {
    category: 6,
    activities: range(8),
    attributes: { ...application, http_request: "http_request", web_resources: "web_resource[]" },
    required: ["web_resources"],
  },
  6003: {
    category: 6,
    activities: range(4),
    attributes: { ...application, http_request: "http_request", api: "api", resources: "resource[]" },
    required: ["actor", "api", "src_endpoint"],
  },
  6005: {
    category: 6,
    activities: range(10),
    attributes: {
      ...application,
      http_request: "http_request",
      database: "database",
      databucket: "databucket",
      table: "table",
      type_id: "integer",
    },
    required: ["actor", "src_endpoint"],
    atLeastOne: [["database", "databucket", "table"]],
    values: { type_id: range(3) },
  },
  6006: {
    category: 6,
    activities: range(17),
    attributes: { ...application, file: "file" },
    required: ["actor", "file", "src_endpoint"],
  },
};

/** Attributes that a profile brings; `only` names the classes that have it. */
const profiles: Readonly<Record<string, { readonly shape: Shape; readonly only?: readonly number[] }>> = {
  security_control: {
    shape: {
      attributes: { action_id: "integer", action: "string", disposition_id: "integer", disposition: "string" },
      required: ["action_id"],
      values: { action_id: [0, 1, 2, 3, 4], disposition_id: range(27) },
    },
  },
  host: { shape: { attributes: { actor: "actor" } } },
  trace: { shape: { attributes: { trace: "trace" } }, only: [4002, 6003] },
};

/** Classes whose `actor` comes from the profile `host` alone. */
const actorByProfile: ReadonlySet<number> = new Set([4002, 6001]);

type Value = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isIp = (value: unknown): boolean =>
  typeof value === "string" && /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(value);

const checks = {
  string: isText,
  integer: Number.isSafeInteger,
  number: Number.isFinite,
  boolean: (value: unknown) => typeof value === "boolean",
  time: Number.isSafeInteger,
  ip: isIp,
  json: isObject,
  strings: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isText),
  ips: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isIp),
} as const;

function checkValue(path: string, value: unknown, kind: Kind): string[] {
  if (kind in checks) return checks[kind as keyof typeof checks](value) ? [] : [`${path} is no ${kind}`];
  if (kind.endsWith("[]")) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((each: unknown, i) => checkValue(`${path}[${i}]`, each, kind.slice(0, -2) as ObjectName));
  }
  return checkShape(path, value, objects[kind as ObjectName]);
}

function checkShape(path: string, value: unknown, shape: Shape): string[] {
  if (!isObject(value)) return [`${path} is no object`];
  const problems = Object.entries(value).flatMap(([name, member]) => {
    const kind = Object.hasOwn(shape.attributes, name) ? shape.attributes[name] : undefined;
    if (kind === undefined) return [`${path}.${name} is no attribute there`];
    const allowed = shape.values?.[name];
    const strange =
      allowed !== undefined && !allowed.includes(member as number)
        ? [`${path}.${name} has no value ${String(member)}`]
        : [];
    return [...checkValue(`${path}.${name}`, member, kind), ...strange];
  });
  for (const name of shape.required ?? []) if (value[name] === undefined) problems.push(`${path}.${name} is missing`);
  for (const group of shape.atLeastOne ?? [])
    if (group.every((name) => value[name] === undefined)) problems.push(`${path} has none of ${group.join(", ")}`);
  return problems;
}

function merge(shapes: readonly Shape[]): Shape {
  return {
    attributes: Object.assign({}, ...shapes.map(({ attributes }) => attributes)) as Shape["attributes"],
    required: shapes.flatMap(({ required }) => required ?? []),
    atLeastOne: shapes.flatMap(({ atLeastOne }) => atLeastOne ?? []),
    values: Object.assign({}, ...shapes.map(({ values }) => values ?? {})) as NonNullable<Shape["values"]>,
  };
}

/** Everything in which an event differs from OCSF 1.8, as sentences; none when it conforms. */
export function checkOcsf(event: unknown): readonly string[] {
  if (!isObject(event)) return ["it is no object"];
  const uid = Number(event["class_uid"]);
  const shape = classes[uid];
  if (shape === undefined) return [`there is no class ${uid}`];
  const stated = isObject(event["metadata"]) ? ((event["metadata"]["profiles"] ?? []) as readonly string[]) : [];
  const problems: string[] = [];
  const brought = stated.flatMap((name) => {
    const profile = profiles[name];
    if (profile === undefined || profile.only?.includes(uid) === false)
      problems.push(`class ${uid} has no profile ${name}`);
    return profile === undefined ? [] : [profile.shape];
  });
  const activity = Number(event["activity_id"]);
  if (!shape.activities.includes(activity)) problems.push(`class ${uid} has no activity ${activity}`);
  if (event["type_uid"] !== uid * 100 + activity) problems.push("type_uid is not class_uid * 100 + activity_id");
  if (event["category_uid"] !== shape.category) problems.push(`category_uid is not ${shape.category}`);
  if (actorByProfile.has(uid) && event["actor"] !== undefined && !stated.includes("host"))
    problems.push(`class ${uid} has an actor with the profile host alone`);
  if (isObject(event["metadata"]) && event["metadata"]["version"] !== "1.8.0")
    problems.push("metadata.version is not 1.8.0");
  return [...problems, ...checkShape("event", event, merge([everyEvent, shape, ...brought]))];
}
