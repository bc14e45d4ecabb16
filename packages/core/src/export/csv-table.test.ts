import { assert, constantFrom, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../encoding/index.ts";
import { hashLeaf } from "../tree/index.ts";
import { formatCsvCell, parseCsvCell } from "./csv-cell.ts";
import { defaultCsvColumns, lookUpCsvColumn, makeCsvTable } from "./csv-table.ts";

/** A plain reader of RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length; ) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') {
          cell += '"';
          at += 1;
        } else break;
      }
      at += 1;
    } else {
      const end = /[,\r]/.exec(text.slice(at))?.index ?? text.length - at;
      cell = text.slice(at, at + end);
      at += end;
    }
    row.push(cell);
    if (text[at] === ",") at += 1;
    else {
      if (text.slice(at, at + 2) !== "\r\n") throw new Error(`no end of a row at ${at}`);
      at += 2;
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const line = JSON.stringify({
  v: 1,
  kind: "event",
  received: "2026-03-01T08:30:01.000000000Z",
  sent: "AAAA",
  event: {
    v: 1,
    id: "e1",
    time: { occurred: "2026-03-01T08:30:00.000000000Z", precision: "ms", basis: "event" },
    actor: { type: "user", id: '=HYPERLINK("http://evil.example","x")', ns: "idp" },
    action: { op: "READ", name: "@SUM(A1)", kind: "api" },
    resources: [
      { type: "record", id: "r,1" },
      { type: "record", id: "r2" },
    ],
    outcome: { status: "success", reason: 'said "yes"\r\nand went' },
    source: { geo: { lat: -13.4 } },
    origin: { tenant: "acme", source: "s", system: "records", adapter: "http" },
    labels: ["[x"],
    detail: { money: 0 },
  },
}).replace('"money":0', '"money":12345678901234567890.10');

const rowOf = (...columns: readonly string[]): readonly string[] =>
  parseCsv(makeCsvTable(columns).row({ trail: "main", index: 3, line }))[0] ?? [];

describe("a CSV export", () => {
  it("has a header and as many cells in each row, with CRLF and quotes where RFC 4180 wants them", () => {
    const { head, row } = makeCsvTable(defaultCsvColumns);
    const rows = parseCsv(head + row({ trail: "main", index: 3, line }));
    expect(rows.map((cells) => cells.length)).toEqual([defaultCsvColumns.length, defaultCsvColumns.length]);
    expect(rows[0]).toEqual(defaultCsvColumns);
    expect(rows[1]?.[defaultCsvColumns.indexOf("outcome.reason")]).toBe('said "yes"\r\nand went');
  });

  it("reads any field by its dotted path, and knows the hash of the leaf", () => {
    expect(rowOf("trail", "index", "detail.money", "leafHash", "native", "impact.rows")).toEqual([
      "main",
      "3",
      "12345678901234567890.10",
      toHex(hashLeaf(utf8(line))),
      "",
      "",
    ]);
  });

  it("writes several values as a JSON list, and one that looks like a list too", () => {
    expect(rowOf("resources.id", "labels", "resources.type")).toEqual([
      '["r,1","r2"]',
      '["[x"]',
      '["record","record"]',
    ]);
  });

  it("has no cell that a spreadsheet would run", () => {
    expect(rowOf("actor.id", "action.name", "source.geo.lat")).toEqual([
      '\'=HYPERLINK("http://evil.example","x")',
      "'@SUM(A1)",
      "'-13.4",
    ]);
    for (const text of [
      "=1",
      "+1",
      "-1",
      "@x",
      "\t=1",
      "\r=1",
      "\n=1",
      " =1",
      "\u200b=1",
      "＝1",
      "＋1",
      "－1",
      "＠x",
    ]) {
      expect(parseCsv(`${formatCsvCell(text)}\r\n`)[0]?.[0]).toBe(`'${text}`);
    }
  });

  it("gives every text back", () => {
    const texts = tuple(constantFrom("", "=", "'", "''", "-", '"', " ", "\t"), string({ unit: "binary" }));
    assert(
      property(texts, ([start, rest]) => {
        const cell = formatCsvCell(start + rest);
        const [[read = ""] = []] = parseCsv(`${cell},\r\n`);
        expect(parseCsvCell(read)).toBe(start + rest);
        expect(read).not.toMatch(/^[=+\-@\t\r]/);
      }),
    );
  });

  it("leaves the columns of an event empty for what is none", () => {
    const quarantined =
      '{"v":1,"kind":"quarantine","received":"2026-03-01T08:30:01.000000000Z","sent":"A","quarantine":{"why":"conflict"}}';
    const table = makeCsvTable(["kind", "actor.id", "quarantine.why", "time"]);
    expect(table.row({ trail: "main", index: 0, line: quarantined })).toBe(
      "quarantine,,conflict,2026-03-01T08:30:01.000000000Z\r\n",
    );
  });

  it("knows columns by the names of a search, and suggests the nearest", () => {
    expect(lookUpCsvColumn("actor")).toEqual({ kind: "known", name: "actor.id" });
    expect(lookUpCsvColumn("detail.a.b")).toEqual({ kind: "known", name: "detail.a.b" });
    expect(lookUpCsvColumn("leafhash")).toEqual({ kind: "known", name: "leafHash" });
    expect(lookUpCsvColumn("actor.idd")).toEqual({ kind: "unknown", nearest: "actor.id" });
  });
});
