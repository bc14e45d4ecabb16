import { escapeGlob } from "./glob.ts";
import { excerpt, fail } from "./search-problem.ts";

/**
 * A piece of search text. `pattern` is glob text: in quotes everything is literal, outside `*` and `?` are wildcards.
 * `field` carries the name before a colon; its value follows as the next tokens, `tight` when no space lies between.
 */
export interface SearchToken {
  readonly kind: "(" | ")" | "and" | "or" | "not" | "field" | "value" | "range" | "end";
  readonly at: number;
  readonly end: number;
  readonly text: string;
  readonly pattern: string;
  readonly quoted: boolean;
  /** For `>`, `>=`, `<`, `<=` before a value. */
  readonly compare?: ">" | ">=" | "<" | "<=";
  readonly range?: SearchRange;
}

/** `[a TO b]`; `{` and `}` leave the end out; `*` is no bound. */
export interface SearchRange {
  readonly low: SearchToken | undefined;
  readonly high: SearchToken | undefined;
  readonly lowInclusive: boolean;
  readonly highInclusive: boolean;
}

const fieldName = /[\p{L}_$@][\p{L}\p{N}_$@./-]*:/uy;
const space = /\s+/y;
// A Map: an object would know `constructor` and `__proto__` too.
const keywords: ReadonlyMap<string, "and" | "or" | "not"> = new Map([
  ["and", "and"],
  ["or", "or"],
  ["not", "not"],
]);

function plain(kind: SearchToken["kind"], at: number, text: string): SearchToken {
  return { kind, at, end: at + text.length, text, pattern: text, quoted: false };
}

function readQuoted(source: string, at: number): SearchToken {
  let text = "";
  for (let next = at + 1; next < source.length; next++) {
    const char = source.charAt(next);
    if (char === '"') {
      return { kind: "value", at, end: next + 1, text, pattern: escapeGlob(text), quoted: true };
    }
    const escaped = source.charAt(next + 1);
    if (char === "\\" && (escaped === '"' || escaped === "\\")) {
      text += escaped;
      next++;
    } else text += char;
  }
  return fail(at, source.length - at, "the quotation mark is never closed", 'Add a closing ".');
}

/** Reads to the next space or one of `stops`; a backslash before punctuation makes it plain text. */
function readBare(source: string, at: number, stops: string): SearchToken {
  let text = "";
  let pattern = "";
  let next = at;
  for (; next < source.length; next++) {
    const char = source.charAt(next);
    if (/\s/.test(char) || stops.includes(char)) break;
    const escaped = source.charAt(next + 1);
    if (char === "\\" && escaped !== "" && !/[\p{L}\p{N}_]/u.test(escaped) && !isSurrogate(escaped)) {
      text += escaped;
      pattern += escapeGlob(escaped);
      next++;
    } else {
      text += char;
      pattern += char === "\\" ? "\\\\" : char;
    }
  }
  return { kind: "value", at, end: next, text, pattern, quoted: false };
}

function isSurrogate(unit: string): boolean {
  return unit >= "\ud800" && unit <= "\udfff";
}

function skipSpace(source: string, at: number): number {
  space.lastIndex = at;
  return space.test(source) ? space.lastIndex : at;
}

function readBound(source: string, at: number): SearchToken {
  const start = skipSpace(source, at);
  const token = source.charAt(start) === '"' ? readQuoted(source, start) : readBare(source, start, '()[]{}"');
  if (token.end === start) fail(start, 1, "a bound of the range is missing", "Write [low TO high]; * is no bound.");
  return token;
}

function readRange(source: string, at: number): SearchToken {
  const low = readBound(source, at + 1);
  const to = skipSpace(source, low.end);
  if (!/^to\s/i.test(source.slice(to, to + 3))) {
    fail(to, Math.min(2, source.length - to), "TO is missing in the range", "Write [low TO high].");
  }
  const high = readBound(source, to + 2);
  const close = skipSpace(source, high.end);
  const mark = source.charAt(close);
  if (mark !== "]" && mark !== "}") {
    fail(at, source.length - at, "the range is never closed", "End it with ] (or } to leave the last value out).");
  }
  const range: SearchRange = {
    low: low.text === "*" && !low.quoted ? undefined : low,
    high: high.text === "*" && !high.quoted ? undefined : high,
    lowInclusive: source.charAt(at) === "[",
    highInclusive: mark === "]",
  };
  return { ...plain("range", at, source.slice(at, close + 1)), range };
}

function readValue(source: string, at: number): SearchToken {
  const char = source.charAt(at);
  if (char === '"') return readQuoted(source, at);
  if (char === "[" || char === "{") return readRange(source, at);
  return readBare(source, at, '()"');
}

function readComparison(source: string, at: number): SearchToken | undefined {
  const [compare] = /^[<>]=?/.exec(source.slice(at, at + 2)) ?? [];
  if (compare !== ">" && compare !== ">=" && compare !== "<" && compare !== "<=") return undefined;
  const value = readValue(source, skipSpace(source, at + compare.length));
  if (value.kind !== "value" || value.end === value.at) {
    fail(at, compare.length, `a value is missing after ${compare}`, `Write ${compare}5 or ${compare}-24h.`);
  }
  return { ...value, at, compare };
}

/** Reads what may stand after `field:` or inside a field's parentheses. */
export function readFieldValue(source: string, at: number): SearchToken {
  const char = source.charAt(at);
  if (char === "(" || char === ")") return plain(char, at, char);
  return readComparison(source, at) ?? readValue(source, at);
}

/**
 * Reads the token at `from`, after spaces. `inField` is set inside `field:( … )`, where no field names are read.
 */
export function readToken(source: string, from: number, inField: boolean): SearchToken {
  const at = skipSpace(source, from);
  const char = source.charAt(at);
  if (char === "") return plain("end", at, "");
  if (char === "(" || char === ")") return plain(char, at, char);
  if (char === '"') return readQuoted(source, at);
  // Inside a time field's parentheses -24h is a time; elsewhere a leading minus is `not`.
  const isRelative = inField && /^-\d{1,9}[smhdw](?![\p{L}\p{N}])/iu.test(source.slice(at, at + 12));
  if (char === "!" || (char === "-" && /\S/.test(source.charAt(at + 1)) && !isRelative)) return plain("not", at, char);
  if (inField) return keywordOr(readFieldValue(source, at));
  fieldName.lastIndex = at;
  if (fieldName.test(source)) return plain("field", at, source.slice(at, fieldName.lastIndex));
  if (char === ":" || char === "[" || char === "{" || char === "<" || char === ">") {
    fail(
      at,
      1,
      `"${char}" needs a field name before it`,
      `Write field:${char === ":" ? "value" : `${char}…`}, or put the text in quotes.`,
    );
  }
  const token = keywordOr(readBare(source, at, '()"'));
  if (token.text.includes(":") && token.kind === "value" && !source.slice(at, token.end).includes("\\:")) {
    fail(at, token.end - at, `"${excerpt(token.text)}" has a colon but no field name`, "Put the text in quotes.");
  }
  return token;
}

function keywordOr(token: SearchToken): SearchToken {
  const kind = token.quoted || token.kind !== "value" ? undefined : keywords.get(token.text.toLowerCase());
  return kind && token.end - token.at === token.text.length ? { ...token, kind } : token;
}
