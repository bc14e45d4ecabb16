import { dirname, resolve } from "node:path";
import { nearestName } from "@evident/core";
import { isMap, isScalar, LineCounter, type Node, parseDocument, visit, type YAMLMap } from "yaml";
import { configFields, configSections } from "./config-fields.ts";
import type { ConfigProblem, Setting, Source } from "./setting.ts";

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_EXCERPT = 80;

/** Reads settings from YAML text. `file` is the path as the user gave it; it is named with the line in every problem. */
export function readFileSettings(file: string, text: string, workingDirectory: string): Source {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  if (text.length > MAX_FILE_BYTES) {
    problems.push({ at: file, problem: `is longer than ${MAX_FILE_BYTES} bytes`, fix: "Name the configuration file." });
    return { settings, problems };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const placeOf = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
  for (const error of document.errors) {
    problems.push({
      at: placeOf(error.pos[0]),
      problem: error.code === "DUPLICATE_KEY" ? "the key is there twice" : error.message,
      fix: error.code === "DUPLICATE_KEY" ? "Keep one of them." : "Correct the YAML.",
    });
  }
  visit(document, {
    Alias: (_, alias) => {
      const at = placeOf(alias.range?.[0] ?? 0);
      problems.push({ at, problem: "aliases (`*name`) are not read here", fix: "Write the value out." });
    },
  });
  if (problems.length > 0 || document.contents === null) return { settings, problems };
  if (!isMap(document.contents)) {
    problems.push({ at: file, problem: "is not a list of `key: value` lines", fix: "See `evident init`." });
    return { settings, problems };
  }
  const directory = dirname(resolve(workingDirectory, file));
  const valueOf = (node: unknown): unknown => (isNode(node) ? node.toJS(document) : undefined);
  readMap(document.contents, undefined, { placeOf, valueOf, directory, settings, problems });
  return { settings, problems };
}

interface Reading {
  readonly placeOf: (offset: number) => string;
  readonly valueOf: (node: unknown) => unknown;
  readonly directory: string;
  readonly settings: Setting[];
  readonly problems: ConfigProblem[];
}

function readMap(map: YAMLMap, section: string | undefined, reading: Reading): void {
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const path = section === undefined ? name : `${section}.${name}`;
    const at = reading.placeOf(key.range?.[0] ?? 0);
    if (section === undefined && configSections.has(name)) {
      readSection(name, value, at, reading);
    } else if (configFields.some((field) => field.path === path)) {
      reading.settings.push({ path, value: reading.valueOf(value), at, directory: reading.directory });
    } else {
      reading.problems.push(unknownKey(path, section, at));
    }
  }
}

function readSection(name: string, value: unknown, at: string, reading: Reading): void {
  if (isMap(value)) {
    readMap(value, name, reading);
    return;
  }
  // `limits:` with everything below it commented out is a null.
  if (reading.valueOf(value) === null || value === null) return;
  const names = configFields
    .filter((field) => field.section === name)
    .map((field) => field.path.slice(name.length + 1));
  reading.problems.push({
    at,
    problem: `\`${name}\` is a section`,
    fix: `Put its keys below it, indented: ${names.join(", ")}.`,
  });
}

function unknownKey(path: string, section: string | undefined, at: string): ConfigProblem {
  const inSection = configFields.filter((field) => field.section === section).map((field) => field.path);
  const known = section === undefined ? [...inSection, ...configSections.keys()] : inSection;
  const elsewhere = configFields.find((field) => field.path.endsWith(`.${path}`));
  const nearest = elsewhere?.path ?? nearestName(path, known);
  return {
    at,
    problem: `unknown key \`${path.slice(0, MAX_EXCERPT)}\``,
    fix: `${nearest === undefined ? "" : `Did you mean \`${nearest}\`? `}docs/config.md lists all keys.`,
  };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "toJS" in value;
}
