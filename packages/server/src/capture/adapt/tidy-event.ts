import { AccessEventSchema } from "@evident/core";
import type { TSchema } from "typebox";
import { toText } from "./json-fields.ts";

/** Puts a value into the form that the schema asks for, or gives undefined where it says nothing. */
type Tidy = (value: unknown, path: string, warnings: string[]) => unknown;

/** The members of JSON Schema that matter here. */
interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly patternProperties?: unknown;
}

const MAX_WARNINGS = 64;
const MAX_WARNING_LENGTH = 1_024;

function makeTidy(schema: TSchema, isOptional: boolean): Tidy {
  const shape = schema as Shape;
  if (shape.patternProperties !== undefined) return (value) => value;
  if (shape.properties !== undefined) return makeObjectTidy(shape);
  if (shape.items !== undefined) return makeListTidy(shape, shape.items);
  if (shape.type === "string" && shape.enum === undefined) return makeTextTidy(shape, isOptional);
  return (value) => (value === null || value === "" || value === "-" ? undefined : value);
}

function makeObjectTidy({ properties = {}, required = [] }: Shape): Tidy {
  const members = Object.entries(properties).map(([name, member]) => {
    return { name, tidy: makeTidy(member, !required.includes(name)) };
  });
  return (value, path, warnings) => {
    if (typeof value !== "object" || value === null) return value ?? undefined;
    const found = value as Readonly<Record<string, unknown>>;
    const tidied: Record<string, unknown> = {};
    let isEmpty = true;
    for (const { name, tidy } of members) {
      const member = found[name];
      if (member === undefined) continue;
      const kept = tidy(member, path === "" ? name : `${path}.${name}`, warnings);
      if (kept === undefined) continue;
      tidied[name] = kept;
      isEmpty = false;
    }
    // `source` is the one object that may say nothing.
    return isEmpty && path !== "source" ? undefined : tidied;
  };
}

function makeListTidy({ maxItems = Number.POSITIVE_INFINITY }: Shape, items: TSchema): Tidy {
  const tidyItem = makeTidy(items, true);
  return (value, path, warnings) => {
    if (!Array.isArray(value)) return value ?? undefined;
    const kept: unknown[] = [];
    for (const item of value as readonly unknown[]) {
      const tidied = tidyItem(item, path, warnings);
      if (tidied === undefined) continue;
      if (kept.length === maxItems) {
        warnings.push(`cut:${path}`);
        break;
      }
      kept.push(tidied);
    }
    return kept.length === 0 ? undefined : kept;
  };
}

function makeTextTidy({ pattern, maxLength = Number.POSITIVE_INFINITY }: Shape, isOptional: boolean): Tidy {
  const form = pattern === undefined ? undefined : new RegExp(pattern, "u");
  return (value, path, warnings) => {
    const text = toText(value);
    if (text === undefined) return undefined;
    const cut = text.length > maxLength ? cutText(text, maxLength, path, warnings) : text;
    if (!isOptional || form === undefined || form.test(cut)) return cut;
    warnings.push(`dropped:${path}`);
    return undefined;
  };
}

function cutText(text: string, maxLength: number, path: string, warnings: string[]): string {
  warnings.push(`cut:${path}`);
  const cut = text.slice(0, maxLength);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

const tidyMembers = makeTidy(AccessEventSchema, false);

/**
 * The event that an adapter made, in schema order, without members that say nothing. Texts over their limit are cut and optional values
 * of the wrong form are dropped, each with a warning; required values are left for the check, which names them.
 */
export function tidyEvent(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const warnings: string[] = [];
  const tidied = tidyMembers(event, "", warnings) as Record<string, unknown>;
  if (warnings.length > 0) addWarnings(tidied, warnings);
  return tidied;
}

function addWarnings(event: Record<string, unknown>, added: readonly string[]): void {
  const origin = event["origin"] as Record<string, unknown> | undefined;
  if (origin === undefined) return;
  const before = (origin["warnings"] as readonly string[] | undefined) ?? [];
  const all = [...new Set([...before, ...added])].map((warning) => warning.slice(0, MAX_WARNING_LENGTH));
  event["origin"] = { ...origin, warnings: all.slice(0, MAX_WARNINGS) };
}
