import {
  type CsvTable,
  type ExportedEntry,
  formatExportEnd,
  formatExportedEntry,
  formatOcsfEvent,
  makeCsvTable,
} from "@evident/core";

export const exportFormats = ["ndjson", "csv", "ocsf"] as const;
export type ExportFormatName = (typeof exportFormats)[number];

/** How entries are written: text before the first, of each, and after the last. */
export interface ExportFormat {
  readonly contentType: string;
  readonly fileEnding: string;
  readonly head: string;
  entry(this: void, entry: ExportedEntry): string;
  end(this: void, entries: number): string;
}

function csvFormat({ head, row }: CsvTable): ExportFormat {
  return { contentType: "text/csv; charset=utf-8; header=present", fileEnding: "csv", head, entry: row, end: () => "" };
}

/** @param columns of CSV, as `lookUpCsvColumn` names them */
export function makeExportFormat(name: ExportFormatName, columns: readonly string[]): ExportFormat {
  const contentType = "application/x-ndjson; charset=utf-8";
  switch (name) {
    case "csv":
      return csvFormat(makeCsvTable(columns));
    case "ocsf":
      return {
        contentType,
        fileEnding: "ocsf.ndjson",
        head: "",
        entry: (entry) => `${formatOcsfEvent(entry)}\n`,
        end: () => "",
      };
    case "ndjson":
      return {
        contentType,
        fileEnding: "ndjson",
        head: "",
        entry: (entry) => `${formatExportedEntry(entry)}\n`,
        end: (entries) => `${formatExportEnd({ complete: true, entries })}\n`,
      };
  }
}
