/** Type of an attribute. */
export type Kind =
  | "string"
  | "integer"
  | "number"
  | "boolean"
  | "time"
  | "ip"
  | "json"
  | "strings"
  | "ips"
  | ObjectName
  | List;
type List = `${ObjectName}[]`;

/** A class or an object. */
export interface Shape {
  readonly attributes: Readonly<Record<string, Kind>>;
  readonly required?: readonly string[];
  /** Each group needs one of its attributes. */
  readonly atLeastOne?: readonly (readonly string[])[];
  readonly values?: Readonly<Record<string, readonly number[]>>;
}

export type ObjectName = keyof typeof objects;

/** 0 to `most`, and 99 for any other. */
export const range = (most: number): readonly number[] => [...Array.from({ length: most + 1 }, (_, i) => i), 99];
const named = { atLeastOne: [["name", "uid"]] } as const;

export const objects = {
  metadata: {
    attributes: {
      version: "string",
      product: "product",
      uid: "string",
      profiles: "strings",
      event_code: "string",
      original_time: "string",
      original_event_uid: "string",
      logged_time: "time",
      log_name: "string",
      log_provider: "string",
      log_version: "string",
      tenant_uid: "string",
      correlation_uid: "string",
      sequence: "integer",
      labels: "strings",
    },
    required: ["version", "product"],
  },
  product: { attributes: { name: "string", vendor_name: "string" }, required: ["name", "vendor_name"] },
  actor: {
    attributes: { user: "user", iam_role: "iam_role", session: "session" },
    atLeastOne: [["process", "user", "iam_role", "invoked_by", "session", "app_name", "app_uid"]],
  },
  user: {
    attributes: {
      uid: "string",
      uid_alt: "string",
      name: "string",
      email_addr: "string",
      type_id: "integer",
      type: "string",
      account: "account",
      groups: "group[]",
    },
    atLeastOne: [["account", "name", "uid"]],
    values: { type_id: range(4) },
  },
  account: { attributes: { uid: "string", name: "string" }, ...named },
  group: { attributes: { uid: "string", name: "string" }, ...named },
  iam_role: { attributes: { uid: "string", name: "string" }, ...named },
  session: {
    attributes: { uid: "string", created_time: "time", is_mfa: "boolean", issuer: "string", credential_uid: "string" },
  },
  endpoint: {
    attributes: {
      ip: "ip",
      port: "integer",
      name: "string",
      svc_name: "string",
      hostname: "string",
      intermediate_ips: "ips",
      location: "location",
      autonomous_system: "autonomous_system",
    },
    atLeastOne: [
      ["ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name", "domain"],
    ],
  },
  location: {
    attributes: { country: "string", region: "string", city: "string", lat: "number", long: "number" },
  },
  autonomous_system: { attributes: { number: "integer", name: "string" }, atLeastOne: [["number", "name"]] },
  api: {
    attributes: { operation: "string", service: "service", request: "request", response: "response" },
    required: ["operation"],
  },
  service: { attributes: { name: "string", uid: "string" }, ...named },
  request: { attributes: { uid: "string" }, required: ["uid"] },
  response: { attributes: { code: "integer", error: "string", error_message: "string", message: "string" } },
  http_request: { attributes: { http_method: "string", url: "url", user_agent: "string", uid: "string" } },
  http_response: { attributes: { code: "integer" }, required: ["code"] },
  url: {
    attributes: { path: "string", hostname: "string", url_string: "string" },
    atLeastOne: [["url_string", "path"]],
  },
  traffic: { attributes: { bytes_in: "integer", bytes_out: "integer" } },
  trace: { attributes: { uid: "string" }, required: ["uid"] },
  resource: {
    attributes: {
      uid: "string",
      uid_alt: "string",
      name: "string",
      type: "string",
      namespace: "string",
      role_id: "integer",
      role: "string",
    },
    ...named,
    values: { role_id: range(4) },
  },
  web_resource: { attributes: { uid: "string", name: "string", type: "string" }, ...named },
  database: {
    attributes: { uid: "string", name: "string", type_id: "integer", type: "string" },
    required: ["type_id"],
    atLeastOne: [["name", "uid"]],
    values: { type_id: range(6) },
  },
  databucket: {
    attributes: { uid: "string", name: "string", type_id: "integer", type: "string" },
    required: ["type_id"],
    atLeastOne: [["name", "uid"]],
    values: { type_id: range(3) },
  },
  table: { attributes: { uid: "string", name: "string" }, ...named },
  file: {
    attributes: { name: "string", path: "string", uid: "string", type_id: "integer", type: "string" },
    required: ["name", "type_id"],
    values: { type_id: range(7) },
  },
  managed_entity: {
    attributes: { uid: "string", name: "string", type_id: "integer", type: "string" },
    ...named,
    values: { type_id: range(7) },
  },
} as const satisfies Record<
  string,
  Omit<Shape, "attributes"> & { readonly attributes: Readonly<Record<string, string>> }
>;
