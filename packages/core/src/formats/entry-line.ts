/** The kinds of entry a trail stores. */
export type EntryLineKind = "event" | "summary" | "statement" | "quarantine";

/** What every stored line begins with. `received` is RFC 3339 UTC with nine fraction digits, so it orders as text. */
export interface EntryHead {
  readonly kind: EntryLineKind;
  readonly received: string;
}

const LONGEST_HEAD = 96;
const headShape =
  /^\{"v":1,"kind":"(?<kind>event|summary|statement|quarantine)","received":"(?<received>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z)","sent":"/;
const ascii = new TextDecoder("latin1");

/**
 * The fixed beginning of a stored line, up to and including `"sent":"`. Undefined when the line does not begin so, byte for byte, or
 * does not end with `}`.
 */
export function parseEntryHead(line: Uint8Array): EntryHead | undefined {
  if (line.at(-1) !== 0x7d) return undefined;
  const groups = headShape.exec(ascii.decode(line.subarray(0, LONGEST_HEAD)))?.groups;
  const { kind, received } = groups ?? {};
  return kind === undefined || received === undefined ? undefined : { kind: kind as EntryLineKind, received };
}
