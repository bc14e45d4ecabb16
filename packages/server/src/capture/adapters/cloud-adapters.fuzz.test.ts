import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constantFrom,
  nat,
  oneof,
  record as recordOf,
  string,
} from "fast-check";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../adapt/index.ts";
import { readNative } from "../testing/index.ts";
import { cloudtrail } from "./cloudtrail.ts";
import { gcp } from "./gcp.ts";
import { googleWorkspace } from "./google-workspace.ts";
import { kubernetes } from "./kubernetes.ts";
import { otel } from "./otel.ts";
import { record } from "./testing/index.ts";

const audit = {
  logName: "projects/p/logs/x",
  insertId: "i",
  timestamp: "2026-11-24T09:30:00Z",
  resource: { type: "gce_instance", labels: { project_id: "p", zone: "z", instance_id: "7" } },
  operation: { id: "o", first: true },
  protoPayload: {
    "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
    serviceName: "compute.googleapis.com",
    methodName: "v1.compute.instances.insert",
    resourceName: "projects/p/zones/z/instances/i",
    authenticationInfo: { principalEmail: "a@b", serviceAccountDelegationInfo: [{ principalSubject: "user:c@d" }] },
    authorizationInfo: [{ resource: "r", permission: "p", granted: true }],
    requestMetadata: { callerIp: "10.0.0.1" },
    status: { code: 7 },
    metadata: { resourceNames: ["x"] },
    response: { name: "projects/p/things/t" },
  },
};
const request = {
  ...audit,
  protoPayload: undefined,
  httpRequest: { requestMethod: "GET", requestUrl: "https://h/p?q" },
};
const activity = {
  kind: "admin#reports#activity",
  id: { time: "2026-11-24T09:30:00Z", uniqueQualifier: "1", applicationName: "drive", customerId: "C" },
  actor: { email: "a@b", profileId: "1" },
  ipAddress: "10.0.0.1",
  events: [
    {
      name: "change_user_access",
      parameters: [
        { name: "doc_id", value: "d" },
        { name: "new_value", multiValue: ["x"] },
      ],
    },
  ],
};
const event = {
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  auditID: "a",
  stage: "ResponseComplete",
  verb: "patch",
  user: { username: "u", groups: ["g"], extra: { accessKeyId: ["k"] } },
  impersonatedUser: { username: "i" },
  sourceIPs: ["10.0.0.1"],
  objectRef: { resource: "secrets", namespace: "n", name: "s" },
  responseStatus: { code: 200 },
  requestObject: [{ op: "add", path: "/data/x", value: "y" }],
  responseObject: { data: { x: "y" }, metadata: { annotations: { a: "b" } } },
  requestReceivedTimestamp: "2026-11-24T09:30:00Z",
};
const log = {
  resource: { attributes: { "service.name": "s" } },
  scope: { name: "x" },
  logRecord: {
    timeUnixNano: "1764062400000000000",
    attributes: {
      "access.action": "a.read",
      "user.id": "u",
      "http.request.method": "GET",
      "db.system": "mysql",
      "client.address": "10.0.0.1",
    },
  },
};

type Json = Record<string, unknown> | unknown[];

const hostile = oneof(
  constantFrom<unknown>(
    null,
    undefined,
    "",
    "-",
    0,
    -1,
    1e308,
    true,
    [],
    {},
    [null],
    [[]],
    "x".repeat(5_000),
    "\u0000",
    "__proto__",
  ),
  constantFrom<unknown>(
    { toString: "x" },
    { length: 3 },
    JSON.parse('{"__proto__":{"a":1}}'),
    "constructor",
    "2026-13-45T99:99:99Z",
  ),
  string({ maxLength: 40 }).map((text) => text.toWellFormed()),
);

/** The record with some of its members, however deep, replaced. */
function damaged(original: unknown): Arbitrary<unknown> {
  const change = recordOf({ steps: array(nat({ max: 30 }), { minLength: 1, maxLength: 6 }), value: hostile });
  return array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const copy = structuredClone(original) as Json;
    for (const { steps, value } of changes) replaceAt(copy, steps, structuredClone(value));
    return copy;
  });
}

function replaceAt(root: Json, steps: readonly number[], value: unknown): void {
  let at: Json = root;
  for (const [depth, step] of steps.entries()) {
    const keys = Object.keys(at);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) return;
    const inner: unknown = Reflect.get(at, key);
    if (depth === steps.length - 1 || typeof inner !== "object" || inner === null) {
      Reflect.set(at, key, value);
      return;
    }
    at = inner as Json;
  }
}

const cases: readonly (readonly [string, Adapter, unknown])[] = [
  ["cloudtrail", cloudtrail, record],
  ["gcp", gcp, audit],
  ["gcp requests", gcp, request],
  ["google-workspace", googleWorkspace, activity],
  ["kubernetes", kubernetes, event],
  ["otel", otel, log],
];

describe("damaged records", () => {
  it.each(cases)(
    "of %s become events that the schema allows, or are told apart; no adapter fails",
    async (_name, adapter, original) => {
      await assert(
        asyncProperty(damaged(original), async (value) => {
          const { readings } = await readNative(adapter, JSON.stringify(value));
          for (const reading of readings) {
            if (reading.kind !== "unreadable") continue;
            expect(reading.reasons.map(({ problem }) => problem).join()).not.toContain("the adapter");
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});
