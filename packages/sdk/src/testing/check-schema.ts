/** The part of JSON Schema that the event schema uses. */
export interface EventSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, EventSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly items?: EventSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const hasType: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
};

function textProblem(schema: EventSchema, value: string): string | undefined {
  if (value.length < (schema.minLength ?? 0)) return "is empty";
  if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY))
    return `has more than ${schema.maxLength} characters`;
  const { pattern } = schema;
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value))
    return `${JSON.stringify(value)} has not the right form`;
  return undefined;
}

function ownProblem(schema: EventSchema, value: unknown): string | undefined {
  const { type, minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  if (type !== undefined && hasType[type]?.(value) === false) return `is not of type ${type}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `is not one of ${schema.enum.join(", ")}`;
  if (schema.const !== undefined && schema.const !== value) return `is not ${JSON.stringify(schema.const)}`;
  if (typeof value === "string") return textProblem(schema, value);
  if (typeof value === "number") return value < minimum || value > maximum ? "is out of range" : undefined;
  if (!Array.isArray(value)) return undefined;
  if (value.length < (schema.minItems ?? 0)) return "is an empty list";
  return value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY) ? "has too many items" : undefined;
}

/** What is wrong with a value, each with its place; none when it fits. */
export function checkSchema(schema: EventSchema, value: unknown, path = ""): readonly string[] {
  const own = ownProblem(schema, value);
  if (own !== undefined) return [`${path === "" ? "the event" : path} ${own}`];
  const at = (name: string | number): string => (path === "" ? String(name) : `${path}.${name}`);
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, place) => checkSchema(items, item, at(place)));
  }
  if (!isObject(value) || schema.properties === undefined) return [];
  const { properties } = schema;
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name));
  const unknown =
    schema.additionalProperties === false ? Object.keys(value).filter((name) => !Object.hasOwn(properties, name)) : [];
  return [
    ...missing.map((name) => `${at(name)} is missing`),
    ...unknown.map((name) => `${at(name)} is not a field of an event`),
    ...Object.entries(properties).flatMap(([name, member]) =>
      Object.hasOwn(value, name) ? checkSchema(member, value[name], at(name)) : [],
    ),
  ];
}
