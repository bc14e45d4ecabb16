import { nearestName } from "../errors/index.ts";
import { parseNetwork } from "./address.ts";
import type { NumberBound, Predicate, Test } from "./ast.ts";
import { isNumber } from "./decimal.ts";
import type { KnownField } from "./fields.ts";
import { literalOf } from "./glob.ts";
import { type Period, parsePeriod } from "./instant.ts";
import { excerpt, fail } from "./search-problem.ts";
import type { SearchRange, SearchToken } from "./search-tokens.ts";

const timeFix = "Write a day (2026-03-04), a time with zone, or a relative time (-24h).";
/** Only a fixed notation makes a value below `detail` or `native` a time; there a bare year is a number. */
const looksLikeTime = /^(?:now|(?:now)?[+-]\d+[smhdw]$|\d{4}-\d\d)/i;

function requirePeriod(token: SearchToken, nowMs: number): Period {
  const period = parsePeriod(token.text, nowMs);
  return period ?? fail(token.at, token.end - token.at, `"${excerpt(token.text)}" is no time`, timeFix);
}

function requireNumber(token: SearchToken): string {
  if (isNumber(token.text)) return token.text;
  return fail(token.at, token.end - token.at, `"${excerpt(token.text)}" is no number`, "Write digits, such as 1024.");
}

function bound(token: SearchToken | undefined, inclusive: boolean): NumberBound | undefined {
  return token && { value: requireNumber(token), inclusive };
}

function numberTest(min: NumberBound | undefined, max: NumberBound | undefined): Test {
  return { kind: "number", ...(min && { min }), ...(max && { max }) };
}

function timeTest(from: string | undefined, before: string | undefined): Test {
  return { kind: "time", ...(from !== undefined && { from }), ...(before !== undefined && { before }) };
}

function rangeKind(
  field: KnownField,
  token: SearchToken,
  samples: readonly (SearchToken | undefined)[],
): "time" | "number" {
  if (field.type === "time" || field.type === "number") return field.type;
  if (field.type !== "free") {
    const fix =
      field.type === "ip" ? "Write a network, such as 10.0.0.0/8." : "Use a pattern with *, or name a time or number.";
    return fail(
      token.at,
      token.end - token.at,
      `${field.name} is ${field.type}; ranges are for times and numbers`,
      fix,
    );
  }
  return samples.some((sample) => sample !== undefined && looksLikeTime.test(sample.text)) ? "time" : "number";
}

function rangeTest(field: KnownField, token: SearchToken, range: SearchRange, nowMs: number): Test {
  const { low, high, lowInclusive, highInclusive } = range;
  if (low === undefined && high === undefined) return { kind: "exists" };
  if (rangeKind(field, token, [low, high]) === "number") {
    return numberTest(bound(low, lowInclusive), bound(high, highInclusive));
  }
  const from = low && requirePeriod(low, nowMs);
  const to = high && requirePeriod(high, nowMs);
  return timeTest(lowInclusive ? from?.from : from?.before, highInclusive ? to?.before : to?.from);
}

function compareTest(field: KnownField, token: SearchToken, nowMs: number): Test {
  const { compare } = token;
  if (rangeKind(field, token, [token]) === "number") {
    const limit = { value: requireNumber(token), inclusive: compare === ">=" || compare === "<=" };
    return compare === ">" || compare === ">=" ? numberTest(limit, undefined) : numberTest(undefined, limit);
  }
  const period = requirePeriod(token, nowMs);
  if (compare === ">") return timeTest(period.before, undefined);
  if (compare === ">=") return timeTest(period.from, undefined);
  return timeTest(undefined, compare === "<" ? period.from : period.before);
}

/** A day or an hour stands for all of it; a relative time is a single instant, which nobody means. */
function timeEquality(token: SearchToken, nowMs: number): Test {
  const period = requirePeriod(token, nowMs);
  if (/^(?:now)?[+-]\d+[smhdw]$/i.test(token.text)) {
    fail(
      token.at,
      token.end - token.at,
      `"${token.text}" is one instant`,
      `Write >${token.text} for everything since.`,
    );
  }
  return timeTest(period.from, period.before);
}

function checkListed(field: KnownField, token: SearchToken, literal: string): void {
  const { values } = field;
  if (values === undefined || values.some((value) => value.toLowerCase() === literal.toLowerCase())) return;
  const nearest = nearestName(literal, values);
  const fix = nearest === undefined ? `It is one of ${values.join(", ")}.` : `Did you mean ${nearest}?`;
  fail(token.at, token.end - token.at, `${field.name} is never "${excerpt(literal)}"`, fix);
}

function valueTest(field: KnownField, token: SearchToken, nowMs: number): Test {
  if (field.type === "time") return timeEquality(token, nowMs);
  const literal = literalOf(token.pattern);
  if (literal === undefined) return { kind: "glob", pattern: token.pattern };
  checkListed(field, token, literal);
  const isNetwork = field.type === "ip" || (field.type === "free" && literal.includes("/"));
  if (isNetwork && !token.quoted) {
    if (parseNetwork(literal) !== undefined) return { kind: "cidr", cidr: literal };
    if (field.type === "ip") {
      fail(
        token.at,
        token.end - token.at,
        `"${excerpt(literal)}" is no IP address or network`,
        "Write 10.1.2.3, 10.0.0.0/8 or 10.1.*.",
      );
    }
  }
  return { kind: "equals", value: literal };
}

/** Builds the test that `field:` and a value token stand for. */
export function parseFieldValue(field: KnownField, token: SearchToken, nowMs: number): Predicate {
  const match = (test: Test): Predicate => ({ op: "match", field: field.name, test });
  if (token.range !== undefined) return match(rangeTest(field, token, token.range, nowMs));
  if (token.compare !== undefined) return match(compareTest(field, token, nowMs));
  if (!token.quoted && /^\*+$/.test(token.pattern)) return match({ kind: "exists" });
  return match(valueTest(field, token, nowMs));
}
