import { EvidentError, excerpt, nearestName } from "@evident/core";
import { Value } from "typebox/value";
import type { Adapter } from "./adapter.ts";

interface OptionShape {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
}

/** One option of an adapter, for help texts. */
export interface AdapterOption {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly default?: unknown;
}

export function listAdapterOptions(adapter: Adapter): readonly AdapterOption[] {
  return Object.entries(adapter.options.properties).map(([name, schema]) => {
    const { type = "text", description = "", default: fallback } = schema as OptionShape;
    return { name, type, description, ...(fallback === undefined ? {} : { default: fallback }) };
  });
}

/**
 * Checks options of an adapter as they stand in a configuration or on the command line, where booleans, numbers and lists (separated by
 * commas) are texts.
 *
 * @throws EvidentError `bad_request` naming the option and the fix, or the line of a mapping
 */
export function parseAdapterOptions(
  adapter: Adapter,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const known = adapter.options.properties;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue;
    const nearest = nearestName(name, Object.keys(known));
    const fix = nearest === undefined ? `See \`evident adapters ${adapter.name}\`.` : `Did you mean ${nearest}?`;
    throw new EvidentError("bad_request", `${adapter.name} has no option ${excerpt(name)}`, { fix });
  }
  const converted = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, convert((known[name] as OptionShape).type, value)]),
  );
  const filled = Value.Default(adapter.options, converted);
  if (Value.Check(adapter.options, filled)) {
    // Opening compiles what the options say: a wrong mapping or pattern is found here and not at the first record.
    adapter.open(filled, { nowMs: () => 0 });
    return filled;
  }
  const [error] = Value.Errors(adapter.options, filled);
  const name = error?.instancePath.split("/")[1] ?? "";
  const { description = "" } = (known[name] ?? {}) as OptionShape;
  throw new EvidentError("bad_request", `option ${name} of ${adapter.name}: ${error?.message ?? "is not allowed"}`, {
    fix: description,
  });
}

/**
 * The options of each of several adapters: those given belong to the only one; among several every one has its defaults.
 *
 * @throws EvidentError `bad_request` as `parseAdapterOptions`, and for options of several adapters
 */
export function adapterOptions(
  adapters: readonly Adapter[],
  given: Readonly<Record<string, unknown>>,
): (adapter: Adapter) => Readonly<Record<string, unknown>> {
  const [only, ...others] = adapters;
  if (only !== undefined && others.length === 0) {
    const options = parseAdapterOptions(only, given);
    return () => options;
  }
  const [name] = Object.keys(given);
  if (name !== undefined) {
    throw new EvidentError("bad_request", `option ${excerpt(name)} needs a format`, {
      fix: "Name the format instead of auto.",
    });
  }
  return (adapter) => parseAdapterOptions(adapter, {});
}

function convert(type: string | undefined, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (type === "boolean" && (value === "true" || value === "false")) return value === "true";
  if ((type === "integer" || type === "number") && /^-?\d+(?:\.\d+)?$/.test(value)) return Number(value);
  return type === "array" ? value.split(",").map((item) => item.trim()) : value;
}
