import { plainText } from "./plain-text.ts";

/** Columns with two spaces between them; `right` names columns of numbers. Titles and cells are made safe for a terminal. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly right?: readonly string[]; readonly styleHead?: (text: string) => string } = {},
): string {
  const cells = rows.map((row) => row.map((cell) => plainText(cell)));
  const titles = head.map((title) => plainText(title));
  const widths = titles.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const render = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        options.right?.includes(head[column] ?? "") === true
          ? cell.padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const title = render(titles);
  return [options.styleHead?.(title) ?? title, ...cells.map(render)].join("\n");
}
