import { describe, expect, it } from "vitest";
import { checkImport, findImports } from "./check-imports.ts";

const allowed = (file: string, specifier: string, typeOnly = false): boolean =>
  checkImport({ file, specifier, typeOnly }) === undefined;

describe("findImports", () => {
  it("finds every form of import and tells types from values", () => {
    const source = [
      'import { a } from "./a.ts";',
      "import {",
      "  b,",
      '} from "./b.ts";',
      'import type { C } from "./c.ts";',
      'import "./d.ts";',
      'export * from "./e.ts";',
      'export type { F } from "./f.ts";',
      'const g = await import("./g.ts");',
      'let h: import("./h.ts").H;',
      'void import("./i.ts").then(run);',
      ' * import { j } from "./comment.ts";',
      'export const k = "./constant.ts";',
      'export type L = "./union.ts";',
      'export const m = { from: "./field.ts" };',
      'import type N from "./n.ts";',
    ].join("\n");
    const found = findImports("x.ts", source).map(({ specifier, typeOnly }) => [specifier, typeOnly]);
    expect(Object.fromEntries(found)).toEqual({
      "./a.ts": false,
      "./b.ts": false,
      "./c.ts": true,
      "./d.ts": false,
      "./e.ts": false,
      "./f.ts": true,
      "./g.ts": false,
      "./h.ts": true,
      "./i.ts": false,
      "./n.ts": true,
    });
  });
});

describe("checkImport", () => {
  it("keeps core free of our packages and of Node", () => {
    expect(allowed("packages/core/src/tree/hash.ts", "../crypto/index.ts")).toBe(true);
    expect(allowed("packages/core/src/tree/hash.ts", "#crypto")).toBe(true);
    expect(allowed("packages/core/src/tree/hash.ts", "node:crypto")).toBe(false);
    expect(allowed("packages/core/src/crypto/node.ts", "node:crypto")).toBe(true);
    expect(allowed("packages/core/src/tree/hash.test.ts", "node:fs")).toBe(true);
    expect(allowed("packages/core/src/tree/hash.ts", "@evident/server")).toBe(false);
  });

  it("lets packages import along the arrows, by name and at the root only", () => {
    expect(allowed("packages/server/src/main.ts", "@evident/core")).toBe(true);
    expect(allowed("packages/server/src/main.ts", "@evident/core/src/tree/index.ts")).toBe(false);
    expect(allowed("packages/server/src/main.ts", "@evident/cli")).toBe(false);
    expect(allowed("packages/server/src/main.ts", "../../core/src/index.ts")).toBe(false);
    expect(allowed("packages/cli/src/commands/serve.ts", "@evident/server")).toBe(true);
    expect(allowed("packages/server/src/main.ts", "@evident/testkit")).toBe(false);
    expect(allowed("packages/server/src/main.test.ts", "@evident/testkit")).toBe(true);
  });

  it("opens a folder only through its index.ts", () => {
    expect(allowed("packages/server/src/ledger/commit.ts", "./storage/index.ts")).toBe(true);
    expect(allowed("packages/server/src/ledger/commit.ts", "./storage/file-wal.ts")).toBe(false);
    expect(allowed("packages/server/src/ledger/storage/file-wal.ts", "../types.ts")).toBe(true);
    expect(allowed("packages/server/src/main.ts", "./ledger/storage/index.ts")).toBe(false);
  });

  it("joins the server's stages only in api and above", () => {
    expect(allowed("packages/server/src/search/open-search.ts", "../ledger/index.ts")).toBe(false);
    expect(allowed("packages/server/src/search/open-search.ts", "../ledger/index.ts", true)).toBe(true);
    expect(allowed("packages/server/src/ledger/open-ledger.ts", "../api/index.ts", true)).toBe(false);
    expect(allowed("packages/server/src/ledger/open-ledger.ts", "../main.ts")).toBe(false);
    expect(allowed("packages/server/src/api/routes/events.ts", "../../capture/index.ts")).toBe(true);
    expect(allowed("packages/server/src/main.ts", "./ledger/index.ts")).toBe(true);
  });
});
