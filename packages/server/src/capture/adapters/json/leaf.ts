import { excerpt, nearestName } from "@evident/core";
import { toText } from "../../adapt/index.ts";
import type { Place } from "./place.ts";

/** What a member of an event holds, and the warning for a default in its place. */
export interface Leaf {
  readonly type: "text" | "boolean" | "integer" | "number";
  /** The only values, when there are such. */
  readonly allowed?: readonly string[];
  readonly warning: string;
}

/** A value in the form that a member needs; undefined when it has none. */
export function toLeaf({ type, allowed }: Leaf, value: unknown): string | number | boolean | undefined {
  if (type === "text") {
    const text = toText(value);
    return allowed === undefined || (text !== undefined && allowed.includes(text)) ? text : undefined;
  }
  const text = toText(value)?.trim().toLowerCase();
  if (text === undefined) return undefined;
  if (type === "boolean") {
    if (text === "true" || text === "1" || text === "yes") return true;
    return text === "false" || text === "0" || text === "no" ? false : undefined;
  }
  const number = Number(text);
  if (text === "" || !Number.isFinite(number)) return undefined;
  return type === "number" || Number.isInteger(number) ? number : undefined;
}

/** Reports a fixed value that a member cannot hold. */
export function checkFixed(leaf: Leaf, value: unknown, place: Place): unknown {
  if (toLeaf(leaf, value) !== undefined) return toLeaf(leaf, value);
  if (leaf.allowed === undefined) {
    return place.report(`${excerpt(value)} is no ${leaf.type}`, `Give a ${leaf.type}; a path begins with $.`);
  }
  const nearest = typeof value === "string" ? nearestName(value, leaf.allowed) : undefined;
  const fix = nearest === undefined ? `Allowed: ${leaf.allowed.join(", ")}.` : `Did you mean ${nearest}?`;
  return place.report(`${excerpt(value)} is not allowed here`, fix);
}
