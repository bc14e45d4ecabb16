import type { Problem } from "@evident/core";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";
import { isObject, type JsonObject } from "./json-fields.ts";
import type { NativeEvent } from "./native-event.ts";
import type { NativeRecord } from "./native-record.ts";

/** How an input is cut into records. */
export type Framing =
  | {
      readonly kind: "lines";
      /**
       * Whether `line` belongs to the record that `open` begins. Absent: every line is a record. `record` is the same object for all lines
       * of one record: by it can be kept what was counted in the lines before.
       */
      readonly continues?: (open: string, line: string, record: object) => boolean;
    }
  | {
      /** One JSON object a line, or a document: an array, or an object whose member of one of these names holds the array of records. */
      readonly kind: "json";
      readonly wrappers?: readonly string[];
    };

/** What became of a record. */
export type Made =
  | { readonly kind: "event"; readonly event: NativeEvent }
  /** It is no access, and nothing of it is kept; `why` in a few words, the same for all records of that sort. */
  | { readonly kind: "skipped"; readonly why: string }
  /** It belongs to another record's event: the error of a statement, for example. */
  | { readonly kind: "merged" }
  /** It should be an access but cannot be read: it goes to quarantine with its bytes. */
  | { readonly kind: "unreadable"; readonly reasons: readonly Problem[] };

/** A record with what became of it. `part` counts the events of one record from 0. */
export type Adapted = Made & { readonly record: NativeRecord; readonly part?: number };

/** Reads the records of one input in order. */
export interface AdapterSession {
  /** Takes the next record and returns what is known now, of it or of records before it. Every record comes out at least once. */
  take(record: NativeRecord): readonly Adapted[];
  /** Returns what was held back for records that did not come. */
  end(): readonly Adapted[];
  /** The oldest record that has not come out. */
  held(): NativeRecord | undefined;
}

/** What an adapter may know of the world. */
export interface AdaptContext {
  /** Unix ms: for formats without a year, and for the check of clocks. */
  readonly nowMs: () => number;
}

/** Reads one format of access records. */
export interface Adapter {
  /** In `origin.adapter` and after `--format`. */
  readonly name: string;
  /** What it reads, for the list of adapters: "AWS CloudTrail records and S3 object files". */
  readonly title: string;
  readonly framing: Framing;
  /** JSON Schema of its options; every option has a description and either a default or is optional. */
  readonly options: TObject;
  /** Whether a record is of this format; must be quick and say no to every other format. */
  recognises(record: NativeRecord): boolean;
  /** @throws TypeError for options that `parseOptions` has not checked */
  open(options: Readonly<Record<string, unknown>>, context: AdaptContext): AdapterSession;
}

interface AdapterParts<Options extends TObject> {
  readonly name: string;
  readonly title: string;
  readonly options: Options;
  recognises(record: NativeRecord): boolean;
}

/** Options of an adapter without any. */
export const noOptions = Type.Object({}, { additionalProperties: false });

/** An adapter whose records may wait for each other. */
export function defineSessionAdapter<Options extends TObject>(
  parts: AdapterParts<Options> & {
    readonly framing: Framing;
    open(options: Static<Options>, context: AdaptContext): AdapterSession;
  },
): Adapter {
  return { ...parts, open: (options, context) => parts.open(checkedOptions(parts.options, options), context) };
}

/** An adapter that reads each line, or each few lines, by itself. `prepare` compiles what the options say, once per input. */
export function defineLineAdapter<Options extends TObject>(
  parts: AdapterParts<Options> & {
    readonly continues?: (open: string, line: string, record: object) => boolean;
    prepare(options: Static<Options>, context: AdaptContext): (record: NativeRecord) => Made | readonly Made[];
  },
): Adapter {
  const { continues } = parts;
  return {
    ...parts,
    framing: { kind: "lines", ...(continues === undefined ? {} : { continues }) },
    open: (options, context) => plainSession(parts.prepare(checkedOptions(parts.options, options), context)),
  };
}

/** An adapter that reads each JSON object by itself. */
export function defineJsonAdapter<Options extends TObject>(
  parts: Omit<AdapterParts<Options>, "recognises"> & {
    readonly wrappers?: readonly string[];
    /** Asked with objects only. */
    recognises(value: JsonObject): boolean;
    prepare(
      options: Static<Options>,
      context: AdaptContext,
    ): (value: JsonObject, record: NativeRecord) => Made | readonly Made[];
  },
): Adapter {
  const { wrappers } = parts;
  return {
    ...parts,
    framing: { kind: "json", ...(wrappers === undefined ? {} : { wrappers }) },
    recognises(record) {
      const value = objectOf(record);
      return value !== undefined && parts.recognises(value);
    },
    open(options, context) {
      const read = parts.prepare(checkedOptions(parts.options, options), context);
      return plainSession((record) => {
        const parsed = record.json();
        if (!parsed.ok) return { kind: "unreadable", reasons: [parsed.problem] };
        if (isObject(parsed.value)) return read(parsed.value, record);
        return unreadable("", "the record is not a JSON object", "Send one object a record.");
      });
    },
  };
}

function objectOf(record: NativeRecord): JsonObject | undefined {
  const first = record.text.trimStart()[0];
  if (first !== "{") return undefined;
  const parsed = record.json();
  return parsed.ok && isObject(parsed.value) ? parsed.value : undefined;
}

function plainSession(read: (record: NativeRecord) => Made | readonly Made[]): AdapterSession {
  return {
    take(record) {
      const made = read(record);
      if (!isList(made)) return [{ ...made, record }];
      return made.map((each, part) => ({ ...each, record, part }));
    },
    end: () => [],
    held: () => undefined,
  };
}

function isList(made: Made | readonly Made[]): made is readonly Made[] {
  return Array.isArray(made);
}

/** A record that should be an access and cannot be read. */
export function unreadable(field: string, problem: string, fix: string): Made {
  return { kind: "unreadable", reasons: [{ field, problem, fix }] };
}

export function skipped(why: string): Made {
  return { kind: "skipped", why };
}

export function made(event: NativeEvent): Made {
  return { kind: "event", event };
}

function checkedOptions<Options extends TObject>(schema: Options, options: unknown): Static<Options> {
  const filled = Value.Default(schema, structuredClone(options));
  if (!Value.Check(schema, filled)) throw new TypeError("adapter options that were not checked");
  return filled;
}
