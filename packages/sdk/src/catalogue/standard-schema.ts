/**
 * The interface that Zod, Valibot, ArkType and others implement: Standard Schema 1 (https://standardschema.dev), as far as it is used
 * here. A type only: nothing of those libraries is needed or loaded.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A value that fits, or why it does not. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One reason, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that a schema takes. */
export type InputOf<Schema> =
  Schema extends StandardSchema<infer Input, unknown>
    ? NonNullable<Schema["~standard"]["types"]> extends { readonly input: infer Given }
      ? Given
      : Input
    : never;
