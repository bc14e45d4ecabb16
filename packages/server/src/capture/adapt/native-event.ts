import type { AccessEvent } from "@evident/core";

/** `T` with `undefined` allowed for every optional member, so that adapters can assign what may be absent. */
export type Loose<T> = T extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: object extends Pick<T, Key> ? Loose<T[Key]> | undefined : Loose<T[Key]> }
    : T;

/**
 * What an adapter makes of a record: an event without what is added behind it. `v`, `id` and `origin.adapter` come from the
 * `AdaptStream`, tenant and source from the API key. Members may be undefined, "" or "-" where the record says nothing; texts may be too
 * long: `tidyEvent` removes and cuts, and says in `origin.warnings` what it cut.
 *
 * `origin.nativeId` must be unique within the source: the event's id is made from it, or from the record's place when it is absent.
 */
export type NativeEvent = Loose<Omit<AccessEvent, "v" | "id" | "origin" | "native" | "detail">> & {
  readonly origin: Loose<Omit<AccessEvent["origin"], "tenant" | "source" | "adapter">>;
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
  readonly native?: unknown;
};
