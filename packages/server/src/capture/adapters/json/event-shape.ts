import { AccessEventSchema } from "@evident/core";
import type { TSchema } from "typebox";
import type { Leaf } from "./leaf.ts";

/** A part of an event as mappings fill it: made of the event's own schema, so that mappings know what events know. */
export type Shape =
  | { readonly kind: "leaf"; readonly leaf: Leaf; readonly description: string }
  | { readonly kind: "time"; readonly description: string }
  | { readonly kind: "texts"; readonly leaf: Leaf; readonly description: string }
  | { readonly kind: "objects"; readonly item: ObjectShape; readonly description: string }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: "object";
  readonly description: string;
  readonly members: Readonly<Record<string, Shape>>;
  /** Members that a mapping must give. */
  readonly required: readonly string[];
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
}

/** Members of an event that a mapping does not fill: they follow from others, or belong to the API key. */
const OMITTED: ReadonlySet<string> = new Set([
  "v",
  "id",
  "time.precision",
  "time.basis",
  "time.tz",
  "origin.tenant",
  "origin.source",
  "origin.adapter",
  "origin.warnings",
  "detail",
  "native",
]);
/** Required of an event but not of a mapping: the system's name stands for a namespace, `other` for a kind; sources may be unknown. */
const OPTIONAL: ReadonlySet<string> = new Set(["source", "action.kind"]);

function warningOf(path: string): string {
  if (path === "action.op") return "op:default";
  if (path === "outcome.status") return "outcome:assumed";
  const [section = path] = path.split(".");
  if (section === "resources") return "resource:default";
  return section === "actor" ? "actor:default" : `${path}:default`;
}

function leafOf(schema: JsonSchema, path: string): Leaf {
  const type =
    schema.type === "boolean" || schema.type === "integer" || schema.type === "number" ? schema.type : "text";
  return { type, ...(schema.enum === undefined ? {} : { allowed: schema.enum }), warning: warningOf(path) };
}

function shapeOf(given: TSchema, path: string): Shape {
  const schema = given as JsonSchema;
  const { description = "" } = schema;
  if (schema.properties !== undefined) return objectOf(schema, path);
  if (schema.items !== undefined) {
    const item = schema.items as JsonSchema;
    if (item.properties !== undefined) return { kind: "objects", item: objectOf(item, path), description };
    return { kind: "texts", leaf: leafOf(item, path), description };
  }
  if (schema.pattern?.startsWith("^\\d{4}-") === true) return { kind: "time", description };
  return { kind: "leaf", leaf: leafOf(schema, path), description };
}

function objectOf({ properties = {}, required = [], description = "" }: JsonSchema, path: string): ObjectShape {
  const within = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const names = Object.keys(properties).filter((name) => !OMITTED.has(within(name)));
  const members = names.map((name) => [name, shapeOf(properties[name] ?? {}, within(name))] as const);
  return {
    kind: "object",
    description,
    members: Object.fromEntries(members),
    required: names.filter((name) => required.includes(name) && name !== "ns" && !OPTIONAL.has(within(name))),
  };
}

/** Everything of an event that a mapping fills. */
export const eventShape: ObjectShape = objectOf(AccessEventSchema, "");
