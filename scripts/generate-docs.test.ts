import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errors } from "@evident/core";
import { expect, it } from "vitest";
import { generatedDocs } from "./generate-docs.ts";

it.each(Object.entries(generatedDocs))("%s is what its source says (npm run docs writes it)", (path, render) => {
  expect(readFileSync(join(import.meta.dirname, "..", path), "utf8")).toBe(render());
});

it("docs/errors.md and the table list the same codes", () => {
  const text = readFileSync(join(import.meta.dirname, "../docs/errors.md"), "utf8");
  const documented = [...text.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  expect(documented).toEqual(Object.keys(errors));
});
