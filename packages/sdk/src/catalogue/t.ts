import type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";

/** A schema for one kind of value; `isOptional` marks a member that may be missing. */
export interface FieldSchema<Value, Optional extends boolean = boolean> extends StandardSchema<Value> {
  readonly isOptional: Optional;
}

// `any` has no place here: a schema of a narrower value is no schema of `unknown`, so members are inferred one by one.
type Fields = Readonly<Record<string, FieldSchema<unknown>>>;
type ValueOf<Schema> = Schema extends FieldSchema<infer Value> ? Value : never;
type NamesOf<Of, Optional extends boolean> = {
  [Name in keyof Of]: Of[Name] extends FieldSchema<unknown, Optional> ? Name : never;
}[keyof Of];

/** The object that `t.object` describes. */
export type ObjectOf<Of> = { readonly [Name in NamesOf<Of, false>]: ValueOf<Of[Name]> } & {
  readonly [Name in NamesOf<Of, true>]?: ValueOf<Of[Name]> | undefined;
};

type Check<Value> = (value: unknown) => SchemaResult<Value>;

function schemaOf<Value, Optional extends boolean>(
  isOptional: Optional,
  validate: Check<Value>,
): FieldSchema<Value, Optional> {
  return { isOptional, "~standard": { version: 1, vendor: "evident", validate } };
}

function check<Value>(accepts: (value: unknown) => value is Value, wanted: string): FieldSchema<Value, false> {
  return schemaOf(false, (value) => (accepts(value) ? { value } : { issues: [{ message: `is not ${wanted}` }] }));
}

function within(key: PropertyKey, issues: readonly SchemaIssue[]): readonly SchemaIssue[] {
  return issues.map(({ message, path = [] }) => ({ message, path: [key, ...path] }));
}

/** Runs a schema of this file, all of which answer at once. */
function run(schema: FieldSchema<unknown>, key: PropertyKey, value: unknown): readonly SchemaIssue[] {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) return [{ message: "has a schema that answers later", path: [key] }];
  return result.issues === undefined ? [] : within(key, result.issues);
}

function objectIssues(members: Fields, value: object): readonly SchemaIssue[] {
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(members, name));
  return [
    ...unknown.map((name) => ({ message: "is not a member of this detail", path: [name] })),
    ...Object.entries(members).flatMap(([name, schema]) => {
      const given: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      if (given !== undefined) return run(schema, name, given);
      return schema.isOptional ? [] : [{ message: "is missing", path: [name] }];
    }),
  ];
}

/**
 * Small schemas for details of actions. They check at run time what the types say when the application is compiled; members that are not
 * named are refused. Any Standard Schema (Zod, Valibot, ArkType) does as well.
 */
export const t = {
  /** Text that says something, at most `maxLength` UTF-16 units, 4,096 by default. */
  text: ({ maxLength = 4_096 }: { readonly maxLength?: number } = {}) =>
    check(
      (value): value is string => typeof value === "string" && value !== "" && value.length <= maxLength,
      `text of 1 to ${maxLength} characters`,
    ),
  /** A whole number that a double holds exactly. */
  whole: () => check((value): value is number => Number.isSafeInteger(value), "a whole number"),
  /** A finite number. */
  number: () => check((value): value is number => Number.isFinite(value), "a finite number"),
  flag: () => check((value): value is boolean => typeof value === "boolean", "true or false"),
  /** One of these texts. */
  oneOf: <const Choice extends string>(...choices: readonly Choice[]) =>
    check((value): value is Choice => (choices as readonly unknown[]).includes(value), `one of ${choices.join(", ")}`),
  list: <Item>(item: FieldSchema<Item, false>) =>
    schemaOf<readonly Item[], false>(false, (value) => {
      if (!Array.isArray(value)) return { issues: [{ message: "is not a list" }] };
      const issues = value.flatMap((each, place) => run(item, place, each));
      return issues.length === 0 ? { value: value as readonly Item[] } : { issues };
    }),
  /** A member that may be missing. */
  optional: <Value>(schema: FieldSchema<Value, false>): FieldSchema<Value, true> => ({ ...schema, isOptional: true }),
  object: <Of extends Fields>(members: Of) =>
    schemaOf<ObjectOf<Of>, false>(false, (value) => {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        return { issues: [{ message: "is not an object" }] };
      const issues = objectIssues(members, value);
      return issues.length === 0 ? { value: value as ObjectOf<Of> } : { issues };
    }),
} as const;
