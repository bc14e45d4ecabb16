import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { EvidentError } from "@evident/core";
import { type Adapter, AdaptStream, AUTO, adapterOptions, findAdapters, firstKey } from "@evident/server";
import type { FlagValues } from "../command/index.ts";
import { fileError } from "../files/index.ts";

/** Stands for events as in /schema/event.json. */
const EVENTS = "events";

/** Flags that say how a log is read. */
export const formatFlags = {
  format: {
    kind: "text",
    value: "FORMAT",
    summary: `Format of the records: auto, ${EVENTS} (as in /schema/event.json) or one that \`evident adapters\` lists. Default: auto.`,
  },
  option: {
    kind: "texts",
    value: "NAME=VALUE",
    summary:
      "Option of the format; @FILE as value is the content of a file. Several are allowed; `evident adapters FORMAT` lists them.",
  },
  source: { kind: "text", value: "SOURCE", summary: "Source of the events. Default: the key's, when it has one only." },
} as const;

/** How a log is to be read, as the flags say. */
export interface Format {
  /** `events`: as they are. `named`: by the adapters. `unknown`: by the adapters if one recognises the first record, else as events. */
  readonly kind: "events" | "named" | "unknown";
  readonly adapters: readonly Adapter[];
  readonly optionsOf: (adapter: Adapter) => Readonly<Record<string, unknown>>;
  readonly source: string | undefined;
}

/**
 * Reads the flags of a format.
 *
 * @throws EvidentError `bad_request` for an unknown format or option; by the file's error for `@FILE`
 */
export function openFormat(
  { format, option, source }: FlagValues<typeof formatFlags>,
  workingDirectory: string,
): Format {
  const adapters = format === EVENTS ? [] : findAdapters(format ?? AUTO);
  const options = Object.fromEntries(option.map((text) => parseOption(text, workingDirectory)));
  const kind = format === undefined ? "unknown" : format === EVENTS ? "events" : "named";
  return { kind, adapters, optionsOf: adapterOptions(adapters, options), source };
}

function parseOption(text: string, workingDirectory: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) {
    throw new EvidentError("bad_request", `--option ${JSON.stringify(text.slice(0, 100))} is not NAME=VALUE`);
  }
  const value = text.slice(at + 1);
  if (!value.startsWith("@")) return [text.slice(0, at), value];
  try {
    return [text.slice(0, at), readFileSync(resolve(workingDirectory, value.slice(1)), "utf8")];
  } catch (cause) {
    throw fileError(value.slice(1), cause);
  }
}

/** A reader of one input from its beginning. `host`: what keeps inputs apart that begin with the same records. */
export function openStream({ adapters, optionsOf, source }: Format, host: string): AdaptStream {
  const from = source === undefined ? {} : { source };
  return new AdaptStream({ adapters, optionsOf, context: { nowMs: () => Date.now() }, ...from, key: firstKey(host) });
}
