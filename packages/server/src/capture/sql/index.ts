export { type MaskedSql, maskSql } from "./mask-sql.ts";
export { parseSql } from "./parse-sql.ts";
export { quoteName, type SqlFact, type SqlObject } from "./sql-fact.ts";
