import { type Op, operations } from "@evident/core";
import type { JsonObject, NativeEvent } from "../adapt/index.ts";
import { attribute, listAttribute } from "./otel-fields.ts";
import { opOfVerb } from "./verb-ops.ts";

type Access = Pick<NativeEvent, "action" | "resources">;

const ops = new Set<string>(operations);

const methods: Readonly<Record<string, Op>> = {
  GET: "READ",
  HEAD: "READ",
  QUERY: "LIST",
  PROPFIND: "LIST",
  SEARCH: "LIST",
  POST: "CREATE",
  PUT: "WRITE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
  OPTIONS: "OTHER",
  TRACE: "OTHER",
  CONNECT: "EXECUTE",
};

/** Operations of databases, by their first word in capitals. */
const statements: Readonly<Record<string, Op>> = {
  SELECT: "READ",
  FIND: "READ",
  FINDONE: "READ",
  GET: "READ",
  HGET: "READ",
  MGET: "READ",
  AGGREGATE: "READ",
  COUNT: "READ",
  SCAN: "LIST",
  SHOW: "LIST",
  INSERT: "CREATE",
  CREATE: "CREATE",
  INSERTMANY: "CREATE",
  UPDATE: "UPDATE",
  ALTER: "UPDATE",
  FINDANDMODIFY: "UPDATE",
  MERGE: "WRITE",
  UPSERT: "WRITE",
  SET: "WRITE",
  HSET: "WRITE",
  COPY: "WRITE",
  REPLACE: "WRITE",
  DELETE: "DELETE",
  DEL: "DELETE",
  DROP: "DELETE",
  TRUNCATE: "DELETE",
  CALL: "EXECUTE",
  EXECUTE: "EXECUTE",
  GRANT: "GRANT",
  REVOKE: "REVOKE",
};

function readHttp(own: JsonObject, method: string, scope: readonly string[]): Access {
  const name = method.toUpperCase();
  const target =
    attribute(own, "url.path", "http.target", "url.full", "http.url") ?? attribute(own, "http.route") ?? "/";
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "") || "/";
  return {
    action: { op: methods[name] ?? "OTHER", name, kind: "http" },
    resources: [{ type: "http.path", id: path, name: attribute(own, "http.route"), scope }],
  };
}

function readDatabase(own: JsonObject, system: string, scope: readonly string[], warnings: string[]): Access {
  const query = attribute(own, "db.query.summary", "db.query.text", "db.statement");
  const stated = attribute(own, "db.operation.name", "db.operation");
  const verb = stated ?? /^\s*(\w+)/.exec(query ?? "")?.[1];
  const name = verb?.toUpperCase() ?? "query";
  const op = Object.hasOwn(statements, name) ? statements[name] : undefined;
  if (op === undefined) warnings.push("op:default");
  else if (stated === undefined) warnings.push("op:query-text");
  const database = attribute(own, "db.namespace", "db.name");
  const collection = attribute(
    own,
    "db.collection.name",
    "db.sql.table",
    "db.mongodb.collection",
    "db.cassandra.table",
  );
  const inDatabase = database === undefined ? scope : [...scope, database];
  if (collection === undefined) warnings.push("resource:default");
  const resource =
    collection === undefined
      ? { type: `${system}.database`, id: database ?? system, scope }
      : { type: `${system}.collection`, id: collection, scope: inDatabase };
  return { action: { op: op ?? "OTHER", name, kind: "datastore" }, resources: [resource] };
}

function readRpc(own: JsonObject, method: string, scope: readonly string[], warnings: string[]): Access {
  const service = attribute(own, "rpc.service");
  const name = service === undefined || method.includes("/") ? method : `${service}/${method}`;
  const op = opOfVerb(name.slice(name.lastIndexOf("/") + 1));
  if (op === undefined) warnings.push("op:default");
  return {
    action: { op: op ?? "OTHER", name, kind: "api" },
    resources: [{ type: "rpc.method", id: name, scope }],
  };
}

function readNamed(own: JsonObject, name: string, scope: readonly string[], warnings: string[]): Access {
  const op = opOfVerb(name.slice(name.lastIndexOf(".") + 1)) ?? opOfVerb(name);
  if (op === undefined) warnings.push("op:default");
  const tool = attribute(own, "gen_ai.tool.name");
  const file = attribute(own, "file.path");
  const resource =
    tool !== undefined
      ? { type: "tool", id: tool, scope }
      : file !== undefined
        ? { type: "file", id: file, scope }
        : undefined;
  if (resource === undefined) warnings.push("resource:default");
  return {
    action: { op: op ?? "OTHER", name, kind: tool === undefined ? (file === undefined ? "other" : "file") : "tool" },
    resources: [resource ?? { type: "service", id: scope.at(-1) ?? "unknown", scope }],
  };
}

/** What the semantic conventions say was done; undefined when the record tells of no access. */
function readConvention(
  own: JsonObject,
  eventName: string | undefined,
  scope: readonly string[],
  warnings: string[],
): Access | undefined {
  const system = attribute(own, "db.system.name", "db.system");
  if (system !== undefined) return readDatabase(own, system, scope, warnings);
  const method = attribute(own, "http.request.method", "http.method");
  const rpc = attribute(own, "rpc.method");
  if (rpc !== undefined) return readRpc(own, rpc, scope, warnings);
  if (method !== undefined) return readHttp(own, method, scope);
  const tool = attribute(own, "gen_ai.tool.name");
  const hasUser = attribute(own, "user.id", "enduser.id") !== undefined;
  if (tool !== undefined) return readNamed(own, eventName ?? "execute_tool", scope, warnings);
  return eventName !== undefined && hasUser ? readNamed(own, eventName, scope, warnings) : undefined;
}

/**
 * What was done to what: as our own attributes `access.*` say, else as the semantic conventions do.
 *
 * @returns undefined when the record tells of no access
 */
export function otelAccess(
  own: JsonObject,
  eventName: string | undefined,
  scope: readonly string[],
  warnings: string[],
): Access | undefined {
  const givenName = attribute(own, "access.action");
  const givenOp = attribute(own, "access.op")?.toUpperCase();
  const type = attribute(own, "access.resource.type");
  const id = attribute(own, "access.resource.id");
  const isOurs = givenName !== undefined || givenOp !== undefined || id !== undefined;
  const found: string[] = [];
  const known = readConvention(own, eventName, scope, found);
  if (!isOurs) {
    warnings.push(...found);
    return known;
  }
  const name = givenName ?? eventName ?? known?.action.name ?? "access";
  const op = givenOp !== undefined && ops.has(givenOp) ? (givenOp as Op) : (known?.action.op ?? opOfVerb(name));
  if (op === undefined) warnings.push("op:default");
  const given =
    id === undefined ? undefined : { type: type ?? "resource", id, name: attribute(own, "access.resource.name") };
  const within = listAttribute(own, "access.resource.scope");
  const resources =
    given === undefined
      ? (known?.resources ?? [{ type: "service", id: scope.at(-1) ?? "unknown", scope }])
      : [{ ...given, scope: within.length > 0 ? within : scope }];
  if (given === undefined && known === undefined) warnings.push("resource:default");
  return { action: { op: op ?? "OTHER", name, kind: known?.action.kind ?? "api" }, resources };
}
