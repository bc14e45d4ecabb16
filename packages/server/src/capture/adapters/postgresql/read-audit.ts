import { splitCsv } from "./read-csv.ts";

/** A row that pgaudit wrote: one relation, or one command. */
export interface AuditRow {
  readonly type: "SESSION" | "OBJECT";
  readonly statementId: string;
  readonly substatementId: string;
  /** READ, WRITE, FUNCTION, ROLE, DDL, MISC. */
  readonly class: string;
  readonly command: string;
  readonly objectType?: string;
  readonly objectName?: string;
  /** Absent where pgaudit was told not to log it, or logged it once before. */
  readonly statement?: string;
  /** Whether the statement had parameters; their values are not kept. */
  readonly hasParameters: boolean;
  readonly rows?: string;
}

export const AUDIT = "AUDIT: ";
const NOT_LOGGED: ReadonlySet<string> = new Set(["", "<not logged>", "<previously logged>", "<none>"]);
const TYPES: ReadonlySet<string> = new Set(["SESSION", "OBJECT"]);

/** Reads what follows `AUDIT: `. @returns undefined when it is no row of pgaudit, or was cut */
export function readAudit(message: string): AuditRow | undefined {
  const fields = splitCsv(message.slice(AUDIT.length));
  if (fields === undefined || fields.length < 8 || fields.length > 10) return undefined;
  const [type = "", statementId = "", substatementId = "", auditClass = "", command = ""] = fields;
  const [, , , , , objectType = "", objectName = "", statement = "", parameters = "", rows = ""] = fields;
  if (!TYPES.has(type) || !/^\d{1,20}$/.test(statementId) || !/^\d{1,20}$/.test(substatementId)) return undefined;
  return {
    type: type === "OBJECT" ? "OBJECT" : "SESSION",
    statementId,
    substatementId,
    class: auditClass,
    command,
    ...(objectType === "" ? {} : { objectType }),
    ...(objectName === "" ? {} : { objectName }),
    ...(NOT_LOGGED.has(statement) ? {} : { statement }),
    hasParameters: !NOT_LOGGED.has(parameters),
    ...(/^\d{1,20}$/.test(rows) ? { rows } : {}),
  };
}
