import type { EntryLike } from "@evident/core";
import { strangeAnswer } from "../client/index.ts";

/** An entry as the server answers it. */
export interface Hit {
  readonly trail: string;
  readonly index: number;
  readonly entry: EntryLike;
}

/** @throws EvidentError `unreachable` when an answer is not an entry: it came from something that is no Evident server */
export function parseHit(value: unknown): Hit {
  if (typeof value === "object" && value !== null) {
    const { trail, index, entry } = value as {
      readonly trail?: unknown;
      readonly index?: unknown;
      readonly entry?: unknown;
    };
    if (typeof trail === "string" && typeof index === "number" && typeof entry === "object" && entry !== null) {
      return { trail, index, entry: entry as EntryLike };
    }
  }
  throw strangeAnswer("entry");
}

/** Text at a path of an entry; undefined where there is none. Entries are read as they come: another version may lack a field. */
export function textAt(entry: EntryLike, ...path: readonly string[]): string | undefined {
  let value: unknown = entry;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as EntryLike)[key];
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

/** Resources of an event as `type/id`. */
export function resourceTexts(entry: EntryLike): readonly string[] {
  const { event } = entry as { readonly event?: { readonly resources?: unknown } };
  const resources: readonly unknown[] = Array.isArray(event?.resources) ? event.resources : [];
  return resources.map((each) => {
    const resource = (each ?? {}) as EntryLike;
    return `${textAt(resource, "type") ?? "?"}/${textAt(resource, "id") ?? "?"}`;
  });
}
