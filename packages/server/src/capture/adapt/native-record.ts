import { hash } from "node:crypto";
import { type ParsedJson, parseJson } from "@evident/core";

const KEY_HEX = 32;

/**
 * Key of a record: the first 16 bytes of SHA-256 over the key of the record before it and its own content, as hex. Equal records at
 * different places have different keys, and the same file gives the same keys however often, in whatever pieces and under whatever name
 * it is read, while it only grows.
 */
export function nextKey(before: string, content: string | Uint8Array): string {
  const joined = typeof content === "string" ? before + content : Buffer.concat([Buffer.from(before), content]);
  return hash("sha256", joined, "hex").slice(0, KEY_HEX);
}

/** Key before the first record of an input that has none before it. `seed`: what makes the input itself distinct; "" for a file. */
export function firstKey(seed: string): string {
  return hash("sha256", `evident/record-key/v1\n${seed}`, "hex").slice(0, KEY_HEX);
}

/** One record in its source's format. */
export class NativeRecord {
  /** Line of the input at which it begins, from 1; of a JSON document the number of the element. */
  readonly line: number;
  /** The whole record; several lines are joined by `\n`. A carriage return at the end is taken off. */
  readonly text: string;
  /** Distinct for each record of an input: see `nextKey`. */
  readonly key: string;
  /** Number of lines it spans. */
  readonly lines: number;
  #json: ParsedJson | undefined;

  constructor(line: number, text: string, key: string, lines = 1) {
    this.line = line;
    this.text = text.endsWith("\r") ? text.slice(0, -1) : text;
    this.key = key;
    this.lines = lines;
  }

  /** The text as JSON, parsed once. Numbers that a double would change are `JSON.rawJSON` objects. */
  json(): ParsedJson {
    this.#json ??= parseJson(this.text);
    return this.#json;
  }
}
