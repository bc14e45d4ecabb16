import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { EvidentError, parseVerifierKey } from "@evident/core";
import { fileError } from "../files/index.ts";

const TRAILS_FILE = "trails.json";
const MAX_BYTES = 16 << 20;

/** Verifier keys to trust, and those of them that may be of a trail `evident`: all of a source that does not say which these are. */
export interface GivenKeys {
  readonly keys: readonly string[];
  readonly evident: readonly string[];
}

/**
 * Reads keys to trust: each source is a verifier key, a file with one on each line (`#` begins a comment), a `trails.json`, or a keys
 * directory with one in it. Undefined when there is no source.
 *
 * @throws EvidentError `bad_request` for a source without keys, `not_found`, `forbidden`
 */
export function readKeys(sources: readonly string[], workingDirectory: string): GivenKeys | undefined {
  if (sources.length === 0) return undefined;
  const read = sources.map((source) => readSource(source, workingDirectory));
  return { keys: read.flatMap(({ keys }) => keys), evident: read.flatMap(({ evident }) => evident) };
}

function readSource(source: string, workingDirectory: string): GivenKeys {
  if (isKey(source)) return { keys: [source], evident: [source] };
  const path = resolve(workingDirectory, source);
  try {
    const file = statSync(path).isDirectory() ? join(path, TRAILS_FILE) : path;
    if (statSync(file).size > MAX_BYTES) throw noKeys(source);
    return parseKeys(readFileSync(file, "utf8"), source);
  } catch (cause) {
    throw fileError(source, cause);
  }
}

function isKey(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch (cause) {
    if (cause instanceof EvidentError) return false;
    throw cause;
  }
}

function parseKeys(text: string, source: string): GivenKeys {
  if (text.trimStart().startsWith("{")) return parseTrails(text, source);
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0 || !keys.every(isKey)) throw noKeys(source);
  return { keys, evident: keys };
}

/** The public file of a keys directory: `{"<trail>": {"origin", "genesis"}}`. */
function parseTrails(text: string, source: string): GivenKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  const trails: Readonly<Record<string, unknown>> = typeof value === "object" && value !== null ? { ...value } : {};
  const genesisOf = (trail: unknown): readonly string[] => {
    const { genesis } = (trail ?? {}) as { readonly genesis?: unknown };
    const keys: readonly unknown[] = Array.isArray(genesis) ? genesis : [];
    return keys.filter((key) => typeof key === "string" && isKey(key)) as readonly string[];
  };
  const keys = Object.values(trails).flatMap(genesisOf);
  if (keys.length === 0) throw noKeys(source);
  return { keys, evident: Object.hasOwn(trails, "evident") ? genesisOf(trails["evident"]) : [] };
}

function noKeys(source: string): EvidentError {
  return new EvidentError("bad_request", `${JSON.stringify(source.slice(0, 200))} holds no verifier keys`, {
    fix: "Give a keys directory, its trails.json, a file with one verifier key on each line, or a key itself.",
  });
}
