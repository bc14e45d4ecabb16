import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeTemporaryDirectory } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packSdk } from "../../scripts/pack-sdk.ts";
import { oldestNode } from "./sdk-app.ts";

const root = join(import.meta.dirname, "../..");
const folder = makeTemporaryDirectory("sdk-pack");
const installed = join(folder.path, "node_modules/@evident/sdk");

function run(command: string, ...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder.path, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

beforeAll(() => {
  packSdk(join(folder.path, "sdk.tgz"));
  const npm = run("npm", "install", "--offline", "--no-audit", "--no-fund", "./sdk.tgz");
  if (npm.status !== 0) throw new Error(npm.output);
});
afterAll(() => folder[Symbol.dispose]());

/** Every file that a file of the package imports, and what else it names. */
function importsFrom(entry: string): { readonly files: readonly string[]; readonly others: readonly string[] } {
  const files = new Set([entry]);
  const others = new Set<string>();
  for (const file of files) {
    const source = readFileSync(file, "utf8");
    for (const [, specifier = ""] of source.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (specifier.startsWith(".")) files.add(join(dirname(file), specifier));
      else others.add(specifier);
    }
  }
  return { files: [...files], others: [...others] };
}

describe("the packed SDK", () => {
  it("is the same tarball every time", () => {
    const again = join(folder.path, "again", "sdk.tgz");
    packSdk(again);
    expect(readFileSync(again).equals(readFileSync(join(folder.path, "sdk.tgz")))).toBe(true);
  });

  it("brings nothing else along, and no tests", () => {
    expect(readdirSync(join(folder.path, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "@evident",
    ]);
    const files = readdirSync(installed, { recursive: true }).map(String);
    expect(files.filter((name) => /\.test\.|faulty|spool\/testing|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"]),
    );
  });

  it("imports nothing but builtins of Node, and not even those for edge runtimes", () => {
    const entry = (name: string): ReturnType<typeof importsFrom> =>
      importsFrom(join(installed, "dist", name, "index.js"));
    expect(entry("").others.every((name) => name.startsWith("node:"))).toBe(true);
    expect(entry("edge").others).toEqual([]);
    expect(entry("next").others).toEqual([]);
    expect(entry("testing").others).toEqual([]);
    expect(entry("hono").others).toEqual(["hono/route"]);
    expect(entry("express").others).toEqual([]);
    expect(entry("fastify").others).toEqual([]);
    for (const file of entry("edge").files)
      expect(readFileSync(file, "utf8")).not.toMatch(/\bprocess\.|\bBuffer\b|\brequire\(/);
  });

  it.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("compiles in a strict project with module %s, resolution %s, and runs", (module, moduleResolution) => {
    const project = join(folder.path, `project-${moduleResolution}`);
    const modules = join(project, "node_modules");
    mkdirSync(modules, { recursive: true });
    cpSync(join(folder.path, "node_modules/@evident"), join(modules, "@evident"), { recursive: true });
    for (const name of ["express", "fastify", "hono", "@types", "undici-types"])
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    copyFileSync(join(import.meta.dirname, "consumer.mts.txt"), join(project, "consumer.mts"));
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: "es2022",
          lib: ["es2023"],
          types: ["node"],
          strict: true,
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          noPropertyAccessFromIndexSignature: true,
          skipLibCheck: false,
          outDir: "out",
          rootDir: ".",
        },
        include: ["consumer.mts"],
      }),
    );
    const compiled = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], {
      encoding: "utf8",
    });
    // Declarations of other packages are theirs; ours and the consumer have to be clean.
    const errors = compiled.stdout.split("\n").filter((line) => /consumer\.mts|@evident/.test(line));
    expect(errors).toEqual([]);
    expect(existsSync(join(project, "out/consumer.mjs"))).toBe(true);
    copyFileSync(join(project, "out/consumer.mjs"), join(project, "consumer.mjs"));
    expect(run(oldestNode().path, join(project, "consumer.mjs"))).toEqual({ status: 0, output: "consumed\n" });
    rmSync(project, { recursive: true });
  });

  it("says what an older Node lacks", () => {
    const { engines } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      engines: { node: string };
    };
    expect(engines.node).toBe(">=20.3");
  });
});
