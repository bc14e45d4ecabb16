export { type ActionFacts, type ActionInput, type DefinedAction, defineAction } from "./define-action.ts";
export type { InputOf, SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export { type FieldSchema, type ObjectOf, t } from "./t.ts";
