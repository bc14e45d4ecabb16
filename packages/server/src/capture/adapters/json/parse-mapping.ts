import { excerpt } from "@evident/core";
import { type Document, isMap, LineCounter, parseDocument } from "yaml";
import { isObject, type JsonObject } from "../../adapt/index.ts";
import { compileMapping, type Mapping } from "./compile-mapping.ts";
import { type MappingProblem, Place } from "./place.ts";

const MAX_MAPPING_CHARACTERS = 256 * 1024;

/** A mapping ready to read records, or everything that is wrong with it. */
export type ParsedMapping =
  | { readonly ok: true; readonly mapping: Mapping }
  | { readonly ok: false; readonly problems: readonly MappingProblem[] };

/**
 * Reads and checks a mapping for the adapter `json`.
 *
 * @param source YAML (at most 256 KiB; JSON is YAML too), or the loaded object, whose problems have no lines
 */
export function parseMapping(source: string | JsonObject): ParsedMapping {
  const problems: MappingProblem[] = [];
  if (typeof source !== "string")
    return checked(source, new Place({ document: undefined, lines: undefined, problems }), problems);
  if (source.length > MAX_MAPPING_CHARACTERS) {
    return refused(0, 0, `has ${source.length} characters`, `Keep it below ${MAX_MAPPING_CHARACTERS}.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return refused(line, col, error.message.split("\n")[0] ?? "is no YAML", fixOf(error.message));
  }
  if (!isMap(document.contents))
    return refused(
      1,
      1,
      `is no map but ${excerpt(source.trim())}`,
      "Begin with time:, actor: and so on; a file is named as @file.yaml.",
    );
  const value = toObject(document);
  if (value === undefined) return refused(1, 1, "uses its anchors too often", "Write repeated parts out.");
  return checked(value, new Place({ document, lines, problems }), problems);
}

function checked(value: JsonObject, place: Place, problems: readonly MappingProblem[]): ParsedMapping {
  const mapping = compileMapping(value, place);
  return problems.length === 0 ? { ok: true, mapping } : { ok: false, problems };
}

function toObject(document: Document): JsonObject | undefined {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) ? value : {};
  } catch (cause) {
    // The library's own bound on anchors that repeat anchors.
    if (cause instanceof ReferenceError) return undefined;
    throw cause;
  }
}

function fixOf(message: string): string {
  return /reserved character/.test(message) ? 'Put the text in quotes: "@.id".' : "Correct the YAML.";
}

function refused(line: number, column: number, problem: string, fix: string): ParsedMapping {
  return { ok: false, problems: [{ line, column, field: "", problem, fix }] };
}
