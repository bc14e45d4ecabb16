import type { Op } from "@evident/core";

/** Something a statement names. */
export interface SqlObject {
  /** `relation` where SQL does not say whether it is a table or a view; otherwise the kind in lower case with hyphens. */
  readonly type: string;
  /** Quoted where PostgreSQL would quote it; without a schema where the statement has none. */
  readonly id: string;
  readonly role: "target" | "related";
}

/** What one statement does, as far as its text says. */
export interface SqlFact {
  readonly op: Op;
  /** PostgreSQL's command tag: SELECT, CREATE TABLE. */
  readonly name: string;
  readonly kind: "datastore" | "iam";
  readonly objects: readonly SqlObject[];
  /** Columns that are set. */
  readonly fields?: readonly string[];
  /** Begins, ends or marks a transaction, or lets go of a cursor or prepared statement: no access. */
  readonly isHousekeeping?: true;
  /** What PREPARE prepares. */
  readonly prepared?: SqlFact;
  /** SET ROLE and what undoes it; `to` is absent when the role is given up. */
  readonly role?: { readonly to?: string; readonly isLocal: boolean };
}

const PLAIN = /^[a-z_][a-z0-9_$]*$/;

/** A name of one or more parts as PostgreSQL's `quote_identifier` writes it. */
export function quoteName(...parts: readonly (string | undefined)[]): string {
  const written = parts.filter((part) => part !== undefined && part !== "");
  return written.map((part = "") => (PLAIN.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join(".");
}
