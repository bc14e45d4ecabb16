import { makeCsvTable } from "./csv-table.ts";
import { type ExportedEntry, formatExportEnd, formatExportedEntry } from "./exported-entry.ts";
import { formatOcsfEvent } from "./ocsf/index.ts";

/** The formats of an export that are text. */
export const exportTextFormats = ["ndjson", "csv", "ocsf"] as const;
export type ExportTextFormat = (typeof exportTextFormats)[number];

/** Text before the first entry, of each entry, and after the last. */
export interface ExportText {
  readonly head: string;
  entry(this: void, entry: ExportedEntry): string;
  /** @param entries how many there were */
  end(this: void, entries: number): string;
}

/** How entries are written in a format. @param columns of CSV, as `lookUpCsvColumn` names them */
export function makeExportText(format: ExportTextFormat, columns: readonly string[]): ExportText {
  switch (format) {
    case "csv": {
      const { head, row } = makeCsvTable(columns);
      return { head, entry: row, end: () => "" };
    }
    case "ocsf":
      return { head: "", entry: (entry) => `${formatOcsfEvent(entry)}\n`, end: () => "" };
    case "ndjson":
      return {
        head: "",
        entry: (entry) => `${formatExportedEntry(entry)}\n`,
        end: (entries) => `${formatExportEnd({ complete: true, entries })}\n`,
      };
  }
}
