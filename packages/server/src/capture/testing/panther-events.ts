import { readShared } from "./shared-data.ts";

/** The native records of a file of labelled records, one line each; line numbers are those of the file. */
export function pantherEvents(name: string): string {
  const lines = readShared(`panther/${name}.ndjson`).toString("utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.stringify((JSON.parse(line) as { readonly event: unknown }).event)).join("\n");
}
