import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { ConfigSchema } from "./config-schema.ts";

/** What the schema of one setting may state. */
export interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly pattern?: string;
  /** Of a list: what its members are. */
  readonly items?: FieldSchema & {
    readonly properties?: Readonly<Record<string, FieldSchema>>;
    readonly required?: readonly string[];
  };
  readonly enum?: readonly string[];
}

/** One setting: its dotted path and the names that set it elsewhere. */
export interface ConfigField {
  readonly path: string;
  readonly section: string | undefined;
  /** `limits.bodyBytes` is EVIDENT_LIMITS_BODY_BYTES. */
  readonly environment: string;
  /** `limits.bodyBytes` is --limits-body-bytes. */
  readonly flag: string;
  readonly schema: FieldSchema;
  readonly validator: Validator;
}

interface ObjectSchema {
  readonly description?: string;
  readonly properties: Readonly<Record<string, TSchema>>;
}

const kebab = (path: string): string =>
  path.replaceAll(".", "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function makeField(section: string | undefined, name: string, schema: TSchema): ConfigField {
  const path = section === undefined ? name : `${section}.${name}`;
  return {
    path,
    section,
    environment: `EVIDENT_${kebab(path).replaceAll("-", "_").toUpperCase()}`,
    flag: `--${kebab(path)}`,
    schema,
    validator: Compile(schema),
  };
}

function isSection(schema: TSchema): schema is TSchema & ObjectSchema {
  return "properties" in schema;
}

/** Every setting in the schema's order. */
export const configFields: readonly ConfigField[] = Object.entries(ConfigSchema.properties).flatMap(([name, schema]) =>
  isSection(schema)
    ? Object.entries(schema.properties).map(([inner, field]) => makeField(name, inner, field))
    : [makeField(undefined, name, schema)],
);

/** Descriptions of the sections by name. */
export const configSections: ReadonlyMap<string, string> = new Map(
  Object.entries(ConfigSchema.properties).flatMap(([name, schema]) =>
    isSection(schema) ? [[name, schema.description ?? ""] as const] : [],
  ),
);

/** Whether a setting is a list of objects: as text it is JSON. */
export function isObjectList({ schema }: ConfigField): boolean {
  return schema.items?.properties !== undefined;
}

/** Says what a value of this setting looks like, as an instruction. */
export function describeFix(field: ConfigField): string {
  const { schema } = field;
  if (schema.enum !== undefined) return `Give one of ${schema.enum.join(", ")}.`;
  if (schema.type === "integer") {
    const multiple = schema.multipleOf === undefined ? "" : `, a multiple of ${schema.multipleOf}`;
    return `Give a whole number from ${schema.minimum ?? 0} to ${schema.maximum ?? Number.MAX_SAFE_INTEGER}${multiple}.`;
  }
  if (isObjectList(field)) return "Give a list of objects; docs/config.md lists their keys.";
  if (schema.type === "array") return "Give a list of addresses or CIDR ranges.";
  if (schema.pattern !== undefined) return "Give a DNS name in lower case, without scheme or port.";
  return "Give a text that is not empty.";
}
