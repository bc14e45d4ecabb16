import { loadModule, parseSync, SqlError } from "libpg-query";
import { isObject, type JsonObject, listAt, objectAt, textAt } from "../adapt/index.ts";
import { changeOp, changing, findTouched, nameParts, type Touched, toRelation } from "./find-relations.ts";
import { commands } from "./sql-commands.ts";
import { quoteName, type SqlFact, type SqlObject } from "./sql-fact.ts";

// The parser is WebAssembly, compiled once when this file is imported (15 ms); afterwards it answers at once.
await loadModule();

/** Longer text is not parsed: expressions of great depth take tens of microseconds a character. */
const MAX_LENGTH = 16_384;

/**
 * What each statement of an SQL text does, read by PostgreSQL's own parser (version 18). Names are as they are written: which schema an
 * unqualified one lies in, and whether a relation is a table or a view, only the server knows.
 *
 * @returns undefined for what is no SQL, or too long or too deep
 */
export function parseSql(sql: string): readonly SqlFact[] | undefined {
  if (sql.length > MAX_LENGTH || sql.trim() === "") return undefined;
  try {
    return listAt(parseSync(sql), "stmts").flatMap((parsed) => readStatement(objectAt(parsed, "stmt")));
  } catch (cause) {
    if (cause instanceof SqlError || cause instanceof RangeError) return undefined;
    throw cause;
  }
}

function readStatement(node: JsonObject | undefined): readonly SqlFact[] {
  const [name, body] = Object.entries(node ?? {})[0] ?? [];
  if (name === undefined || !isObject(body)) return [];
  // CREATE SCHEMA may hold further statements.
  const parts = name === "CreateSchemaStmt" ? listAt(body, "schemaElts").filter(isObject).flatMap(readStatement) : [];
  return [readNode(name, { ...body, schemaElts: undefined }), ...parts];
}

type Reader = (body: JsonObject, node: string) => SqlFact;

function touchedBy(part: unknown): Touched {
  return findTouched(part, { relations: [], functions: [], changes: [] });
}

/** Each object once; what is acted on counts more than what is read beside it, and is no relation besides. */
function unique(objects: readonly SqlObject[]): readonly SqlObject[] {
  const targets = objects.filter(({ role }) => role === "target");
  const ids = new Set(targets.map(({ id }) => id));
  const related = objects.filter(({ role, type, id }) => role === "related" && !(type === "relation" && ids.has(id)));
  const byName = new Map<string, SqlObject>();
  for (const object of [...targets, ...related]) {
    const name = `${object.type} ${object.id}`;
    if (!byName.has(name)) byName.set(name, object);
  }
  return [...byName.values()];
}

function asTargets(objects: readonly SqlObject[]): readonly SqlObject[] {
  return objects.map((object) => ({ ...object, role: "target" }));
}

/** A query that is the statement, or stands in one that only shows or holds it. */
function readQuery(name: string, query: unknown): SqlFact {
  const { relations, functions, changes } = touchedBy(query);
  const [change] = changes;
  if (change !== undefined) {
    const objects = unique([...changes.map(({ object }) => object), ...relations]);
    return { op: change.op, name, kind: "datastore", objects };
  }
  const objects = relations.length > 0 ? relations : functions;
  return { op: "READ", name, kind: "datastore", objects: unique(asTargets(objects)) };
}

const readSelect: Reader = (body) => {
  const into = toRelation(objectAt(body, "intoClause", "rel"), "target", "table");
  const query = readQuery("SELECT", { SelectStmt: { ...body, intoClause: undefined } });
  if (into.length === 0) return query;
  const related = query.objects.map((object) => ({ ...object, role: "related" as const }));
  return { ...query, op: "CREATE", name: "SELECT INTO", objects: unique([...into, ...related]) };
};

const readChange: Reader = (body, node) => {
  const target = toRelation(objectAt(body, "relation"), "target");
  const { relations } = touchedBy(body);
  const columns =
    node === "InsertStmt" ? listAt(body, "cols") : node === "UpdateStmt" ? listAt(body, "targetList") : [];
  const fields = columns.flatMap((column) => textAt(column, "ResTarget", "name") ?? []);
  const objects = unique([...target, ...relations]);
  return { op: changeOp(node, body), name: changing[node]?.name ?? node, kind: "datastore", objects, fields };
};

const readCopy: Reader = (body) => {
  const isFrom = body["is_from"] === true;
  const relation = toRelation(objectAt(body, "relation"), "target");
  const { relations, changes } = touchedBy(objectAt(body, "query"));
  const others = [...changes.map(({ object }) => object), ...asTargets(relations)];
  const place = body["is_program"] === true ? " PROGRAM" : "";
  return {
    op: isFrom ? "WRITE" : "EXPORT",
    name: `COPY ${isFrom ? "FROM" : "TO"}${place}`,
    kind: "datastore",
    objects: unique([...relation, ...others]),
    fields: nameParts(listAt(body, "attlist")),
  };
};

const readCreateAs: Reader = (body) => {
  const type = objectType(textAt(body, "objtype"));
  const created = toRelation(objectAt(body, "into", "rel"), "target", type);
  const { relations } = touchedBy(body["query"]);
  const name = type === "materialized-view" ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS";
  return { op: "CREATE", name, kind: "datastore", objects: unique([...created, ...relations]) };
};

const readIndex: Reader = (body) => {
  const table = toRelation(objectAt(body, "relation"), "related");
  const [name] = nameTexts(body["idxname"]);
  const index: SqlObject[] = name === undefined ? [] : [{ type: "index", id: name, role: "target" }];
  return {
    op: "CREATE",
    name: "CREATE INDEX",
    kind: "datastore",
    objects: index.length > 0 ? [...index, ...table] : asTargets(table),
  };
};

/** `OBJECT_MATVIEW` to `materialized-view`. */
function objectType(name: string | undefined): string {
  const type = (name ?? "")
    .replace(/^(?:OBJECT|ACL_TARGET)_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
  return type === "matview" ? "materialized-view" : type;
}

/** Names in whatever node holds them: text, a list of Strings, a role, a type, a function with its arguments. */
function nameTexts(value: unknown): readonly string[] {
  if (typeof value === "string") return [quoteName(value)];
  if (Array.isArray(value)) {
    const parts = nameParts(value as readonly unknown[]);
    return parts.length > 0 ? [quoteName(...parts)] : value.flatMap(nameTexts);
  }
  if (!isObject(value)) return [];
  const role = textAt(value, "rolename") ?? textAt(value, "priv_name") ?? textAt(value, "relname");
  if (role !== undefined) return [quoteName(textAt(value, "schemaname"), role)];
  const special = textAt(value, "roletype");
  if (special !== undefined) return [special.replace("ROLESPEC_", "").toLowerCase()];
  const sval = textAt(value, "sval");
  if (sval !== undefined) return [quoteName(sval)];
  for (const member of ["items", "names", "objname"]) if (Array.isArray(value[member])) return nameTexts(value[member]);
  // A node within a node: { List: ... }, { RoleSpec: ... }.
  const [inner] = Object.values(value).filter(isObject);
  return inner === undefined ? [] : nameTexts(inner);
}

function toObjects(type: string, value: unknown, role: SqlObject["role"] = "target"): readonly SqlObject[] {
  const list = Array.isArray(value) && nameParts(value as readonly unknown[]).length === 0 ? value : [value];
  return list.flatMap((item) => nameTexts(item).map((id) => ({ type, id, role })));
}

const readDrop: Reader = (body) => {
  const type = objectType(textAt(body, "removeType"));
  const objects = toObjects(type, body["objects"]);
  return {
    op: "DELETE",
    name: `DROP ${type.replaceAll("-", " ").toUpperCase()}`,
    kind: type === "policy" ? "iam" : "datastore",
    objects,
  };
};

const readAlter: Reader = (body) => {
  const type = objectType(textAt(body, "renameType") ?? textAt(body, "objectType") ?? textAt(body, "objtype"));
  const relation = toRelation(objectAt(body, "relation"), "target", type === "column" ? "table" : type);
  const named = relation.length > 0 ? relation : toObjects(type, body["object"] ?? body["subname"]);
  const name = `ALTER ${(type === "column" ? "table" : type).replaceAll("-", " ").toUpperCase()}`;
  return { op: "UPDATE", name, kind: type === "role" ? "iam" : "datastore", objects: named };
};

const readRemark: Reader = (body, node) => {
  return { ...readAlter(body, node), name: node === "CommentStmt" ? "COMMENT" : "SECURITY LABEL" };
};

const readDefine: Reader = (body) => {
  const type = objectType(textAt(body, "kind"));
  const name = `CREATE ${type.replaceAll("-", " ").toUpperCase()}`;
  return { op: "CREATE", name, kind: "datastore", objects: toObjects(type, body["defnames"]) };
};

const readTruncate: Reader = (body) => {
  return { op: "DELETE", name: "TRUNCATE TABLE", kind: "datastore", objects: toObjects("table", body["relations"]) };
};

const readGrant: Reader = (body) => {
  const isGrant = body["is_grant"] === true;
  const type = objectType(textAt(body, "objtype"));
  const whole = textAt(body, "targtype") === "ACL_TARGET_ALL_IN_SCHEMA" ? "schema" : type;
  const objects = [...toObjects(whole, body["objects"]), ...toObjects("role", body["grantees"], "related")];
  return { op: isGrant ? "GRANT" : "REVOKE", name: isGrant ? "GRANT" : "REVOKE", kind: "iam", objects };
};

const readGrantRole: Reader = (body) => {
  const isGrant = body["is_grant"] === true;
  const objects = [...toObjects("role", body["granted_roles"]), ...toObjects("role", body["grantee_roles"], "related")];
  return { op: isGrant ? "GRANT" : "REVOKE", name: isGrant ? "GRANT ROLE" : "REVOKE ROLE", kind: "iam", objects };
};

const readDefaultPrivileges: Reader = (body) => {
  const isGrant = objectAt(body, "action")?.["is_grant"] === true;
  const objects = toObjects("role", objectAt(body, "action")?.["grantees"]);
  return { op: isGrant ? "GRANT" : "REVOKE", name: "ALTER DEFAULT PRIVILEGES", kind: "iam", objects };
};

const readSet: Reader = (body) => {
  const kind = textAt(body, "kind") ?? "";
  const parameter = textAt(body, "name");
  const isReset = kind === "VAR_RESET" || kind === "VAR_RESET_ALL" || kind === "VAR_SET_DEFAULT";
  const [value] = listAt(body, "args").flatMap((arg) => textAt(arg, "A_Const", "sval", "sval") ?? []);
  const to = isReset || value === undefined || value === "none" ? {} : { to: value };
  const isRole = parameter === "role" || parameter === "session_authorization";
  const objects: SqlObject[] = parameter === undefined ? [] : [{ type: "parameter", id: parameter, role: "target" }];
  // SET TRANSACTION and SET SESSION CHARACTERISTICS.
  const housekeeping = kind === "VAR_SET_MULTI" ? { isHousekeeping: true as const } : {};
  const role = isRole ? { role: { ...to, isLocal: body["is_local"] === true } } : {};
  return {
    op: "CONFIGURE",
    name: kind.startsWith("VAR_RESET") ? "RESET" : "SET",
    kind: "datastore",
    objects,
    ...role,
    ...housekeeping,
  };
};

const readCall: Reader = (body) => {
  const objects = toObjects("procedure", listAt(body, "funccall", "funcname"));
  return { op: "EXECUTE", name: "CALL", kind: "datastore", objects };
};

const readPrepare: Reader = (body) => {
  const statement = toObjects("prepared-statement", body["name"]);
  const [prepared] = readStatement(objectAt(body, "query"));
  const related = (prepared?.objects ?? []).map((object) => ({ ...object, role: "related" as const }));
  const inner = prepared === undefined ? {} : { prepared };
  return { op: "OTHER", name: "PREPARE", kind: "datastore", objects: unique([...statement, ...related]), ...inner };
};

const readExecute: Reader = (body) => {
  const objects = toObjects("prepared-statement", body["name"]);
  return { op: "EXECUTE", name: "EXECUTE", kind: "datastore", objects };
};

/** `TRANS_STMT_ROLLBACK_TO` to `ROLLBACK TO`. */
const readTransaction: Reader = (body) => {
  const name = (textAt(body, "kind") ?? "").replace("TRANS_STMT_", "").replaceAll("_", " ");
  return { op: "OTHER", name, kind: "datastore", objects: [], isHousekeeping: true };
};

const readExplain: Reader = (body) => {
  const isRun = listAt(body, "options").some((option) => textAt(option, "DefElem", "defname") === "analyze");
  const [inner] = readStatement(objectAt(body, "query"));
  const { op = "READ", objects = [], kind = "datastore" } = inner ?? {};
  // Without ANALYZE the plan is shown and nothing is run.
  return { op: isRun ? op : "READ", name: "EXPLAIN", kind, objects: isRun ? objects : asTargets(objects) };
};

const readCreateFunction: Reader = (body) => {
  const type = body["is_procedure"] === true ? "procedure" : "function";
  const objects = toObjects(type, body["funcname"]);
  return { op: "CREATE", name: `CREATE ${type.toUpperCase()}`, kind: "datastore", objects };
};

const readers: Readonly<Record<string, Reader>> = {
  SelectStmt: readSelect,
  InsertStmt: readChange,
  UpdateStmt: readChange,
  DeleteStmt: readChange,
  MergeStmt: readChange,
  CopyStmt: readCopy,
  CreateTableAsStmt: readCreateAs,
  CreateFunctionStmt: readCreateFunction,
  IndexStmt: readIndex,
  DropStmt: readDrop,
  AlterTableStmt: readAlter,
  RenameStmt: readAlter,
  CommentStmt: readRemark,
  SecLabelStmt: readRemark,
  DefineStmt: readDefine,
  AlterOwnerStmt: readAlter,
  AlterObjectSchemaStmt: readAlter,
  TruncateStmt: readTruncate,
  GrantStmt: readGrant,
  GrantRoleStmt: readGrantRole,
  AlterDefaultPrivilegesStmt: readDefaultPrivileges,
  VariableSetStmt: readSet,
  CallStmt: readCall,
  PrepareStmt: readPrepare,
  ExecuteStmt: readExecute,
  TransactionStmt: readTransaction,
  ExplainStmt: readExplain,
  DeclareCursorStmt: (body) => readQuery("DECLARE CURSOR", body["query"]),
};

/** `AlterTSConfigurationStmt` to `ALTER TS CONFIGURATION`. */
function nodeTitle(node: string): string {
  return node
    .replace(/Stmt$/, "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
}

const firstWords: Readonly<Record<string, SqlFact["op"]>> = {
  CREATE: "CREATE",
  DEFINE: "CREATE",
  ALTER: "UPDATE",
  DROP: "DELETE",
};

function readNode(node: string, body: JsonObject): SqlFact {
  const reader = readers[node];
  if (reader !== undefined) return reader(body, node);
  const command = commands[node];
  const { relations } = touchedBy(body);
  const title = nodeTitle(node);
  const op = command?.op ?? firstWords[title.split(" ")[0] ?? ""] ?? "OTHER";
  const type = command?.type ?? "object";
  const target = toRelation(objectAt(body, command?.relation ?? ""), "target", type);
  const named = command?.names === undefined ? [] : toObjects(type, body[command.names]);
  const objects = unique([
    ...target,
    ...named,
    ...(target.length + named.length > 0 ? relations : asTargets(relations)),
  ]);
  const housekeeping = command?.isHousekeeping === true ? { isHousekeeping: true as const } : {};
  return { op, name: command?.name ?? title, kind: command?.kind ?? "datastore", objects, ...housekeeping };
}
