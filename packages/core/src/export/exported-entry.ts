import { EvidentError } from "../errors/index.ts";

/** One entry on its way out: where it lies, the line exactly as it is stored, and its receipt where one was asked for. */
export interface ExportedEntry {
  readonly trail: string;
  readonly index: number;
  /** The stored line; its UTF-8 bytes are the leaf of the tree. */
  readonly line: string;
  /** Base64 of the `.tlog-proof`. */
  readonly receipt?: string;
}

const HEAD = /^\{"trail":"(?<trail>[a-z][a-z0-9-]{0,62})","index":(?<index>\d{1,15}),/;
const RECEIPT = '"receipt":"';
const ENTRY = '"entry":';
const END = '{"end":';

/**
 * One line of an NDJSON export, without its line end: `{"trail":…,"index":…,"receipt":…,"entry":…}`. The entry stands last and exactly as it
 * is stored, so that its bytes are everything between `"entry":` and the closing brace of the line.
 */
export function formatExportedEntry({ trail, index, line, receipt }: ExportedEntry): string {
  const proof = receipt === undefined ? "" : `${RECEIPT}${receipt}",`;
  return `{"trail":"${trail}","index":${index},${proof}${ENTRY}${line}}`;
}

/** What the last line of a complete NDJSON export says. */
export interface ExportEnd {
  readonly complete: true;
  /** Entries of this answer; one that was resumed counts those after the resumption. */
  readonly entries: number;
}

export function formatExportEnd(end: ExportEnd): string {
  return `${END}{"complete":${end.complete},"entries":${end.entries}}}`;
}

/** One line of an NDJSON export. */
export type ExportLine =
  | { readonly kind: "entry"; readonly entry: ExportedEntry }
  | { readonly kind: "end"; readonly entries: number };

/**
 * Reads a line that `formatExportedEntry` or `formatExportEnd` wrote; the entry is cut out, not parsed and written again.
 *
 * @throws EvidentError `malformed`
 */
export function parseExportLine(text: string): ExportLine {
  if (text.startsWith(END)) {
    const entries = /^\{"end":\{"complete":true,"entries":(\d{1,15})\}\}$/.exec(text)?.[1];
    if (entries === undefined) throw new EvidentError("malformed", "the last line of the export is broken");
    return { kind: "end", entries: Number(entries) };
  }
  const head = HEAD.exec(text);
  let at = head?.[0].length ?? 0;
  let receipt: string | undefined;
  if (text.startsWith(RECEIPT, at)) {
    const end = text.indexOf('"', at + RECEIPT.length);
    receipt = text.slice(at + RECEIPT.length, end);
    at = end + 2;
  }
  const { trail, index } = head?.groups ?? {};
  if (trail === undefined || index === undefined || !text.startsWith(ENTRY, at) || !text.endsWith("}}"))
    throw new EvidentError("malformed", "a line of the export is broken");
  const line = text.slice(at + ENTRY.length, -1);
  return {
    kind: "entry",
    entry: { trail, index: Number(index), line, ...(receipt === undefined ? {} : { receipt }) },
  };
}
