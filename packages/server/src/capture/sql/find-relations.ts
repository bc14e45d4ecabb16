import type { Op } from "@evident/core";
import { isObject, type JsonObject, listAt, objectAt, textAt } from "../adapt/index.ts";
import { quoteName, type SqlObject } from "./sql-fact.ts";

/** What a query touches. */
export interface Touched {
  readonly relations: SqlObject[];
  readonly functions: SqlObject[];
  /** Relations that a part of the query changes, with the operation: `WITH gone AS (DELETE ...) SELECT`. */
  readonly changes: { readonly op: Op; readonly object: SqlObject }[];
}

/** The changes that may stand within a query, and what they are. */
export const changing: Readonly<Record<string, { readonly op: Op; readonly name: string }>> = {
  InsertStmt: { op: "CREATE", name: "INSERT" },
  UpdateStmt: { op: "UPDATE", name: "UPDATE" },
  DeleteStmt: { op: "DELETE", name: "DELETE" },
  MergeStmt: { op: "WRITE", name: "MERGE" },
};

/** An INSERT that may update is neither one nor the other. */
export function changeOp(node: string, body: JsonObject): Op {
  const action = textAt(body, "onConflictClause", "action");
  return action === "ONCONFLICT_UPDATE" ? "WRITE" : (changing[node]?.op ?? "UNKNOWN");
}

export function toRelation(range: JsonObject | undefined, role: SqlObject["role"], type = "relation"): SqlObject[] {
  const name = textAt(range, "relname");
  if (name === undefined) return [];
  return [{ type, id: quoteName(textAt(range, "catalogname"), textAt(range, "schemaname"), name), role }];
}

/** Texts of a list of String nodes: a qualified name. */
export function nameParts(list: readonly unknown[]): readonly string[] {
  return list.flatMap((part) => textAt(part, "String", "sval") ?? []);
}

/** Built-in functions are so frequent that their names say nothing: they stand in pg_catalog, or without a schema like everybody's. */
function toFunction(call: JsonObject): SqlObject[] {
  const parts = nameParts(listAt(call, "funcname"));
  if (parts.length === 0 || parts[0] === "pg_catalog") return [];
  return [{ type: "function", id: quoteName(...parts), role: "target" }];
}

/**
 * Finds what a part of a parse tree touches. Names that a WITH clause defines are no relations: each of its queries sees those before it,
 * all of them when it is recursive.
 */
export function findTouched(node: unknown, found: Touched, hidden: ReadonlySet<string> = new Set()): Touched {
  if (Array.isArray(node)) {
    for (const item of node as readonly unknown[]) findTouched(item, found, hidden);
    return found;
  }
  if (!isObject(node)) return found;
  const inner = readWith(node, found, hidden);
  for (const [name, value] of Object.entries(node)) {
    if (name === "withClause" || !isObject(value)) {
      if (Array.isArray(value)) findTouched(value, found, inner);
      continue;
    }
    // A relation that can be nothing else stands without its node's name.
    if (name === "RangeVar" || typeof value["relname"] === "string") addRelation(value, found, inner);
    else if (name === "FuncCall") {
      found.functions.push(...toFunction(value));
      findTouched(value, found, inner);
    } else if (Object.hasOwn(changing, name)) findChange(name, value, found, inner);
    else findTouched(value, found, inner);
  }
  return found;
}

function readWith(node: JsonObject, found: Touched, hidden: ReadonlySet<string>): ReadonlySet<string> {
  const clause = objectAt(node, "withClause");
  if (clause === undefined) return hidden;
  const queries = listAt(clause, "ctes").flatMap((cte): readonly JsonObject[] => {
    const query = objectAt(cte, "CommonTableExpr");
    return query === undefined ? [] : [query];
  });
  const names = queries.flatMap((query) => textAt(query, "ctename") ?? []);
  const isRecursive = clause["recursive"] === true;
  for (const [index, query] of queries.entries()) {
    const seen = isRecursive ? names : names.slice(0, index);
    findTouched(query["ctequery"], found, new Set([...hidden, ...seen]));
  }
  return new Set([...hidden, ...names]);
}

function addRelation(range: JsonObject, found: Touched, hidden: ReadonlySet<string>): void {
  const isDefined = textAt(range, "schemaname") === undefined && hidden.has(textAt(range, "relname") ?? "");
  if (!isDefined) found.relations.push(...toRelation(range, "related"));
}

function findChange(node: string, body: JsonObject, found: Touched, hidden: ReadonlySet<string>): void {
  const op = changeOp(node, body);
  for (const object of toRelation(objectAt(body, "relation"), "target")) found.changes.push({ op, object });
  findTouched(body, found, hidden);
}
