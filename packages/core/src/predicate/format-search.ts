import type { NumberBound, Predicate, Test } from "./ast.ts";
import { literalOf } from "./glob.ts";

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** Pattern text with every character that the language could take for its own escaped. */
function formatPattern(pattern: string): string {
  const literal = literalOf(pattern);
  if (literal !== undefined) return quote(literal);
  let text = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (char === "\\" && (next === "*" || next === "?" || next === "\\")) {
      text += char + next;
      at++;
    } else text += /[\p{L}\p{N}_*?\ud800-\udfff]/u.test(char) ? char : `\\${char}`;
  }
  return text;
}

function formatNumbers(min: NumberBound | undefined, max: NumberBound | undefined): string {
  const open = min !== undefined && !min.inclusive ? "{" : "[";
  const close = max !== undefined && !max.inclusive ? "}" : "]";
  return `${open}${min?.value ?? "*"} TO ${max?.value ?? "*"}${close}`;
}

function formatTest(test: Test): string {
  switch (test.kind) {
    case "exists":
      return "*";
    case "equals":
      return quote(test.value);
    case "glob":
    case "words":
      return formatPattern(test.pattern);
    case "number":
      return formatNumbers(test.min, test.max);
    case "time":
      return `[${test.from ?? "*"} TO ${test.before ?? "*"}}`;
    case "cidr":
      return test.cidr;
  }
}

function formatOperand(predicate: Predicate): string {
  const text = formatSearch(predicate);
  return predicate.op === "match" || (predicate.op === "and" && predicate.of.length === 0) ? text : `(${text})`;
}

/**
 * Writes a predicate as search text; `parseSearch` of it gives the same predicate, unless it holds what the language
 * cannot say (a `cased` test, an empty `or` other than `not *`).
 */
export function formatSearch(predicate: Predicate): string {
  switch (predicate.op) {
    case "match": {
      const text = formatTest(predicate.test);
      return predicate.field === undefined ? text : `${predicate.field}:${text}`;
    }
    case "not":
      return `not ${formatOperand(predicate.of)}`;
    case "and":
      return predicate.of.length === 0 ? "*" : predicate.of.map(formatOperand).join(" ");
    case "or":
      return predicate.of.length === 0 ? "not *" : predicate.of.map(formatOperand).join(" or ");
  }
}
