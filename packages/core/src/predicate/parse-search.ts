import { allOf, anyOf, everything, type Predicate } from "./ast.ts";
import { fieldsIn, type KnownField, lookUpField } from "./fields.ts";
import { excerpt, fail, type SearchProblem, SearchProblemSignal } from "./search-problem.ts";
import { readFieldValue, readToken, type SearchToken } from "./search-tokens.ts";
import { parseFieldValue } from "./search-values.ts";

/** Outcome of `parseSearch`; a problem points at the character. */
export type ParsedSearch =
  | { readonly ok: true; readonly predicate: Predicate }
  | { readonly ok: false; readonly problem: SearchProblem };

/** `nowMs` is Unix milliseconds; relative times count from it. */
export interface SearchContext {
  readonly nowMs: number;
}

const maxLength = 8_192;
const maxDepth = 50;
const maxTests = 500;

class Parser {
  readonly source: string;
  readonly nowMs: number;
  private field: KnownField | undefined;
  private token: SearchToken;
  private depth = 0;
  private tests = 0;

  constructor(source: string, nowMs: number) {
    this.source = source;
    this.nowMs = nowMs;
    this.token = readToken(source, 0, false);
  }

  parse(): Predicate {
    if (this.token.kind === "end") return everything;
    const predicate = this.parseOr();
    if (this.token.kind === ")") fail(this.token.at, 1, "this ) closes nothing", "Remove it, or add ( before.");
    return predicate;
  }

  private advance(): void {
    this.token = readToken(this.source, this.token.end, this.field !== undefined);
  }

  private parseOr(): Predicate {
    const of = [this.parseAnd()];
    while (this.token.kind === "or") {
      this.advance();
      of.push(this.parseAnd());
    }
    return anyOf(of);
  }

  private parseAnd(): Predicate {
    const of = [this.parseUnary()];
    while (this.token.kind !== "or" && this.token.kind !== ")" && this.token.kind !== "end") {
      if (this.token.kind === "and") this.advance();
      of.push(this.parseUnary());
    }
    return allOf(of);
  }

  private parseUnary(): Predicate {
    if (++this.depth > maxDepth) fail(this.token.at, 1, "the search is nested too deeply", "Use fewer parentheses.");
    const predicate = this.token.kind === "not" ? this.parseNot() : this.parsePrimary();
    this.depth--;
    return predicate;
  }

  private parseNot(): Predicate {
    this.advance();
    return { op: "not", of: this.parseUnary() };
  }

  private parsePrimary(): Predicate {
    const { token } = this;
    switch (token.kind) {
      case "(": {
        const predicate = this.parseGroup(token);
        this.advance();
        return predicate;
      }
      case "field":
        return this.parseField(token);
      case "value":
      case "range":
        return this.parseValue(token);
      case "and":
      case "or":
      case "not":
      case ")":
      case "end": {
        const where = token.kind === "end" ? "the search ends" : `"${token.text}" stands`;
        return fail(token.at, token.text.length, `${where} where a term is expected`, missingTermFix(token.kind));
      }
    }
  }

  /** Stops at the closing parenthesis: what follows it is read differently after a field's group. */
  private parseGroup(open: SearchToken): Predicate {
    this.advance();
    const predicate = this.parseOr();
    if (this.token.kind !== ")") fail(open.at, 1, "this ( is never closed", "Add a closing ).");
    return predicate;
  }

  private parseField(name: SearchToken): Predicate {
    const field = this.knownField(name);
    const value = readFieldValue(this.source, name.end);
    this.token = value;
    if (value.kind === "(") {
      this.field = field;
      const predicate = this.parseGroup(value);
      this.field = undefined;
      this.advance();
      return predicate;
    }
    if (value.kind === ")" || (value.end === value.at && !value.quoted)) {
      fail(
        name.at,
        name.text.length,
        `a value is missing after ${excerpt(name.text)}`,
        "Write field:value, or field:* for any value.",
      );
    }
    return this.parseTest(value, field);
  }

  private parseValue(token: SearchToken): Predicate {
    return this.parseTest(token, this.field);
  }

  private parseTest(token: SearchToken, field: KnownField | undefined): Predicate {
    if (++this.tests > maxTests) fail(token.at, 1, `the search has over ${maxTests} terms`, "Split it.");
    this.advance();
    if (field !== undefined) return parseFieldValue(field, token, this.nowMs);
    if (token.text === "")
      fail(token.at, token.end - token.at, "there is no text in the quotes", "Put text between them.");
    if (/^\*+$/.test(token.pattern)) return everything;
    return { op: "match", field: undefined, test: { kind: "words", pattern: token.pattern } };
  }

  private knownField(token: SearchToken): KnownField {
    const written = token.text.slice(0, -1);
    const found = lookUpField(written);
    if (found.kind === "known") {
      if (found.field.type !== "group" || this.isExists(token)) return found.field;
      const names = fieldsIn(found.field.name).slice(0, 8).join(", ");
      return fail(token.at, written.length, `${excerpt(written)} is a group of fields`, `Name one of them: ${names}.`);
    }
    const hint = found.nearest === undefined ? "See docs/search-language.md." : `Did you mean ${found.nearest}?`;
    const fix = `${hint} To search for the text itself, put it in quotes.`;
    return fail(token.at, written.length, `there is no field "${excerpt(written)}"`, fix);
  }

  private isExists(token: SearchToken): boolean {
    return /^\*(?:[\s)]|$)/.test(this.source.slice(token.end, token.end + 2));
  }
}

function missingTermFix(kind: SearchToken["kind"]): string {
  if (kind === "end") return "Add a term, or remove the last operator.";
  if (kind === ")") return "Put a term between the parentheses.";
  return "Put a term before it, or put the word in quotes to search for it.";
}

/**
 * Parses the search language (docs/search-language.md) to a predicate. Empty text matches everything.
 *
 * @param text at most 8,192 UTF-16 units, 500 terms, 50 levels; beyond that a problem
 */
export function parseSearch(text: string, context: SearchContext): ParsedSearch {
  if (text.length > maxLength) {
    const message = `the search has ${text.length} characters; at most ${maxLength} are read`;
    return { ok: false, problem: { at: maxLength, length: text.length - maxLength, message, fix: "Shorten it." } };
  }
  try {
    return { ok: true, predicate: new Parser(text, context.nowMs).parse() };
  } catch (error) {
    if (!(error instanceof SearchProblemSignal)) throw error;
    const { at, length } = error.problem;
    return { ok: false, problem: { ...error.problem, length: Math.min(length, text.length - at) } };
  }
}
