import { describe, expect, it } from "vitest";
import { formatExportEnd, formatExportedEntry, parseExportLine } from "./exported-entry.ts";

const line = '{"v":1,"kind":"event","received":"x","n":1.10,"t":"\\u00e9 \\"entry\\":"}';

describe("a line of an NDJSON export", () => {
  it("holds the stored line unchanged, with and without a receipt", () => {
    for (const entry of [
      { trail: "main", index: 17, line },
      { trail: "main", index: 17, line, receipt: "YWJj" },
    ]) {
      const text = formatExportedEntry(entry);
      expect(parseExportLine(text)).toEqual({ kind: "entry", entry });
      expect(text.replace(/^.*?"entry":/, "").slice(0, -1)).toBe(line);
      expect(JSON.parse(text)).toMatchObject({ trail: "main", index: 17 });
    }
  });

  it("ends with a line that says that it is whole", () => {
    const end = formatExportEnd({ complete: true, entries: 3 });
    expect(end).toBe('{"end":{"complete":true,"entries":3}}');
    expect(parseExportLine(end)).toEqual({ kind: "end", entries: 3 });
  });

  it("is refused when it is cut off or is something else", () => {
    const text = formatExportedEntry({ trail: "main", index: 1, line, receipt: "YWJj" });
    for (let length = 0; length < text.length; length += 1) {
      // A cut that leaves a nested object's end looks whole to us; the missing line end tells a reader of streams.
      if (text.slice(0, length).endsWith("}}")) continue;
      expect(() => parseExportLine(text.slice(0, length))).toThrow(/broken/);
    }
    expect(() => parseExportLine('{"end":{"complete":false,"entries":3}}')).toThrow(/broken/);
    expect(() => parseExportLine("<html>")).toThrow(/broken/);
  });
});
