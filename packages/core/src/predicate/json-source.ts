// TypeScript's library does not know the JSON source text proposal yet; Node 26 and current browsers do.
interface SourceJson {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

const json = JSON as unknown as SourceJson;

/** A number kept as its source text, which `JSON.stringify` writes back unchanged. */
function rawNumber(source: string): object {
  return json.rawJSON(source);
}

/** Whether a parsed value is a number kept as its source text. */
export function isRawNumber(value: unknown): value is { readonly rawJSON: string } {
  return json.isRawJSON(value);
}

// Three patterns that each begin with a fixed character: one with alternatives at its beginning takes eight times as long.
const delicateMember = /":\s*-?(?:\d{16}|\d+[.eE]|(?<=-)0)/;
const delicateItem = /[[,]\s*-?(?:\d{16}|\d+[.eE]|(?<=-)0)/;
const spacedColon = /"\s+:/;

/**
 * Whether a text may hold numbers that a double would change: long, fractional, with exponent, or minus zero. Looked for only where a
 * value stands (a time such as `08:30:42.5` in a string is none); a hit inside a string costs only time.
 */
export function hasDelicateNumber(text: string): boolean {
  return delicateMember.test(text) || delicateItem.test(text) || spacedColon.test(text);
}

function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined || String(value) === context.source) return value;
  return rawNumber(context.source);
}

/**
 * Parses JSON. Numbers that a double would print differently keep their source text, as `JSON.rawJSON` objects.
 *
 * @throws SyntaxError for text that is no JSON
 */
export function parseKeepingNumbers(text: string): unknown {
  // The reviver makes parsing several times slower, and hardly any text needs it.
  return hasDelicateNumber(text) ? JSON.parse(text, keepNumberText) : JSON.parse(text);
}
