/**
 * What a spreadsheet takes for a formula, also behind blanks: `=`, `+`, `-`, `@`, their full-width forms, tab, carriage return and line feed.
 * A leading `'` is ours, so one that was there before is covered as well.
 */
const ACTIVE = /^(?:[\t\r\n']|[\s\p{Cf}]*[=+\-@＝＋－＠])/u;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/**
 * Text as one cell of RFC 4180 that no spreadsheet runs: what it would take for a formula gets a `'` in front. That can be undone: a cell
 * that begins with `'` has exactly one too many.
 */
export function formatCsvCell(text: string): string {
  const safe = ACTIVE.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The value that `formatCsvCell` was given, from a cell without its quotes. */
export function parseCsvCell(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}
