export { formatCsvCell, parseCsvCell } from "./csv-cell.ts";
export { type CsvColumn, type CsvTable, defaultCsvColumns, lookUpCsvColumn, makeCsvTable } from "./csv-table.ts";
export { type ExportText, type ExportTextFormat, exportTextFormats, makeExportText } from "./export-text.ts";
export {
  type ExportEnd,
  type ExportedEntry,
  type ExportLine,
  formatExportEnd,
  formatExportedEntry,
  parseExportLine,
} from "./exported-entry.ts";
export { formatOcsfEvent } from "./ocsf/index.ts";
