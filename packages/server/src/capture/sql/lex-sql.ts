/** A piece of SQL as PostgreSQL's scanner cuts it; what lies between pieces is white space. */
export interface SqlToken {
  readonly kind: "word" | "quoted" | "literal" | "param" | "symbol";
  readonly start: number;
  readonly end: number;
}

export interface LexedSql {
  readonly tokens: readonly SqlToken[];
  /** False when something did not end, or may end elsewhere: then the last token is a literal that takes in all the rest. */
  readonly isCertain: boolean;
}

const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[\w$\u0080-\uffff]*/y;
const NUMBER =
  /(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)/y;
const PARAM = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const STRING_PREFIX = /^(?:[eEbBxXnN]|[uU]&)$/;

/**
 * Cuts SQL into tokens by the rules of PostgreSQL's scanner (scan.l), in linear time and for any text, correct or not. Comments are left out.
 *
 * Whether a backslash escapes a quote in a plain string depends on `standard_conforming_strings`, which a log does not say: where both
 * readings differ, all that follows counts as one literal, so that none is taken for SQL.
 */
export function lexSql(sql: string): LexedSql {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const after = skipBlank(sql, at);
    if (after !== at) {
      at = after;
      continue;
    }
    const found = lexToken(sql, at);
    tokens.push({ kind: found.kind, start: at, end: found.end ?? sql.length });
    if (found.end === undefined) return { tokens, isCertain: false };
    at = found.end;
  }
  return { tokens, isCertain: true };
}

/** `end` is undefined when the token does not end, or not certainly. */
interface Found {
  readonly kind: SqlToken["kind"];
  readonly end: number | undefined;
}

function lexToken(sql: string, at: number): Found {
  const char = sql[at] ?? "";
  if (char === "'") return { kind: "literal", end: stringEnd(sql, at + 1, "plain") };
  if (char === '"') return { kind: "quoted", end: quotedEnd(sql, at + 1) };
  if (char === "$") return lexDollar(sql, at);
  if (WORD_START.test(char)) return lexWord(sql, at);
  const number = matchAt(NUMBER, sql, at);
  if (number > at) return { kind: "literal", end: number };
  return { kind: "symbol", end: at + 1 };
}

function matchAt(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

function skipBlank(sql: string, at: number): number {
  const code = sql.charCodeAt(at);
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return at + 1;
  if (sql.startsWith("--", at)) {
    const end = sql.slice(at).search(/[\r\n]/);
    return end < 0 ? sql.length : at + end;
  }
  return sql.startsWith("/*", at) ? commentEnd(sql, at) : at;
}

const COMMENT_EDGE = /\/\*|\*\//g;

/** Comments nest. One that does not end takes in all the rest, as it does for PostgreSQL. */
function commentEnd(sql: string, at: number): number {
  COMMENT_EDGE.lastIndex = at;
  for (let depth = 0; ; ) {
    const edge = COMMENT_EDGE.exec(sql);
    if (edge === null) return sql.length;
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return COMMENT_EDGE.lastIndex;
  }
}

function lexDollar(sql: string, at: number): Found {
  const param = matchAt(PARAM, sql, at);
  if (param > at) return { kind: "param", end: param };
  const open = matchAt(DOLLAR_TAG, sql, at);
  if (open === at) return { kind: "symbol", end: at + 1 };
  const tag = sql.slice(at, open);
  const close = sql.indexOf(tag, open);
  return { kind: "literal", end: close < 0 ? undefined : close + tag.length };
}

function lexWord(sql: string, at: number): Found {
  const end = matchAt(WORD, sql, at);
  const isUnicode = sql[end] === "&" && end === at + 1;
  const prefix = sql.slice(at, isUnicode ? end + 1 : end);
  const next = sql[at + prefix.length];
  if (prefix.length <= 2 && STRING_PREFIX.test(prefix)) {
    const isEscaped = prefix === "e" || prefix === "E";
    if (next === "'") {
      return { kind: "literal", end: stringEnd(sql, at + prefix.length + 1, isEscaped ? "escaped" : "plain") };
    }
    if (next === '"' && isUnicode) return { kind: "quoted", end: quotedEnd(sql, at + prefix.length + 1) };
  }
  return { kind: "word", end };
}

const QUOTE_OR_ESCAPE = /['\\]/g;

function stringEnd(sql: string, from: number, kind: "plain" | "escaped"): number | undefined {
  QUOTE_OR_ESCAPE.lastIndex = from;
  for (;;) {
    const found = QUOTE_OR_ESCAPE.exec(sql);
    if (found === null) return undefined;
    const next = QUOTE_OR_ESCAPE.lastIndex;
    if (found[0] === "\\") {
      if (kind === "escaped") QUOTE_OR_ESCAPE.lastIndex = next + 1;
      else if (sql[next] === "\\") QUOTE_OR_ESCAPE.lastIndex = next + 1;
      else if (sql[next] === "'") return undefined;
    } else if (sql[next] === "'") QUOTE_OR_ESCAPE.lastIndex = next + 1;
    else return next;
  }
}

function quotedEnd(sql: string, from: number): number | undefined {
  for (let at = from; ; at += 2) {
    at = sql.indexOf('"', at);
    if (at < 0) return undefined;
    if (sql[at + 1] !== '"') return at + 1;
  }
}
