import { lexSql, type SqlToken } from "./lex-sql.ts";

/** A statement without what it says about data. */
export interface MaskedSql {
  /** Every literal replaced by `?`, comments left out, white space made one blank. */
  readonly text: string;
  /** The SQL with long lists of literals shortened, for a parser: never to be stored. Undefined where it cannot be cut into tokens. */
  readonly parsable: string | undefined;
}

const MASK = "?";

/**
 * Replaces the literals of a statement: strings of every kind, bit strings, dollar quotes, numbers; and what is not written as a literal
 * but holds a secret: whatever follows PASSWORD in CREATE and ALTER ROLE, and the value that SET gives to a parameter with a dot in its
 * name. Identifiers and parameters (`$1`) stay. Any text is taken, correct SQL or not.
 */
export function maskSql(sql: string): MaskedSql {
  const { tokens, isCertain } = lexSql(sql);
  const secret = findSecrets(sql, tokens);
  let text = "";
  let end = 0;
  for (const [index, token] of tokens.entries()) {
    const isHidden = token.kind === "literal" || secret.has(index) || (!isCertain && index === tokens.length - 1);
    if (index > 0 && token.start > end) text += " ";
    text += isHidden ? MASK : sql.slice(token.start, token.end);
    end = token.end;
  }
  return { text, parsable: isCertain ? shorten(sql, tokens) : undefined };
}

/** Tokens that are no literals but must not be kept, by their index. */
function findSecrets(sql: string, tokens: readonly SqlToken[]): ReadonlySet<number> {
  const found = new Set<number>();
  const word = (index: number): string => {
    const token = tokens[index];
    return token?.kind === "word" ? sql.slice(token.start, token.end).toUpperCase() : "";
  };
  const symbol = (index: number): string => {
    const token = tokens[index];
    return token?.kind === "symbol" ? sql.slice(token.start, token.end) : "";
  };
  const statementEnd = (from: number): number => {
    let at = from;
    while (at < tokens.length && symbol(at) !== ";") at += 1;
    return at;
  };
  for (let start = 0; start < tokens.length; ) {
    const end = statementEnd(start);
    if (/^(?:CREATE|ALTER)$/.test(word(start)) && /^(?:ROLE|USER|GROUP)$/.test(word(start + 1))) {
      for (let at = start; at < end; at += 1) {
        if (word(at) === "PASSWORD" && word(at + 1) !== "NULL") found.add(at + 1);
      }
    } else if (word(start) === "SET") {
      const name = /^(?:LOCAL|SESSION)$/.test(word(start + 1)) ? start + 2 : start + 1;
      if (symbol(name + 1) === ".") for (let at = name + 4; at < end; at += 1) found.add(at);
    }
    start = end + 1;
  }
  return found;
}

/** Beyond this a statement is shortened before it is parsed: a list of a thousand values says no more than one of them. */
const LONG = 8_192;
const LONG_LITERAL = 100;
const CONSTANT = /^(?:null|default|true|false)$/i;

interface Piece {
  readonly text: string;
  /** `list`: one value in parentheses. */
  readonly sort: "value" | "list" | "," | "(" | "other";
}

function shorten(sql: string, tokens: readonly SqlToken[]): string {
  if (sql.length <= LONG) return sql;
  const kept: Piece[] = [];
  const sortAt = (back: number): Piece["sort"] | undefined => kept.at(-back)?.sort;
  for (const token of tokens) {
    const whole = sql.slice(token.start, token.end);
    const isValue = token.kind === "literal" || token.kind === "param" || CONSTANT.test(whole);
    if (isValue && sortAt(1) === "," && sortAt(2) === "value") {
      kept.pop();
      continue;
    }
    if (whole === ")" && sortAt(1) === "value" && sortAt(2) === "(") {
      const text = `(${kept.at(-1)?.text ?? ""})`;
      kept.splice(-2);
      if (sortAt(1) === "," && sortAt(2) === "list") kept.pop();
      else kept.push({ text, sort: "list" });
      continue;
    }
    const sort = isValue ? "value" : whole === "," || whole === "(" ? whole : "other";
    const isLong = token.kind === "literal" && whole.length > LONG_LITERAL;
    kept.push({ text: isLong && /^['$]/.test(whole) ? "''" : whole, sort });
  }
  return kept.map(({ text }) => text).join(" ");
}
