import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { posix } from "node:path";

/** One import of a file. Paths are relative to the repository, with `/`. */
export interface FoundImport {
  readonly file: string;
  readonly specifier: string;
  /** `import type`, `export type … from` or `import("…").Name`: gone at run time. */
  readonly typeOnly: boolean;
}

/** Packages of ours that each package may import (DESIGN §2). Tests may also import the testkit. */
const packageArrows: Readonly<Record<string, readonly string[]>> = {
  core: [],
  sdk: ["core"],
  server: ["core"],
  cli: ["core", "sdk", "server"],
  console: ["core"],
  testkit: ["core", "server"],
};

/** Folders of the server that may join the others at run time; every other stage knows only their types. */
const joiningStages: ReadonlySet<string> = new Set(["api"]);

const statement =
  /^[ \t]*(?:import|export)\b(?<type>\s+type\b(?!\s+from))?[^;"]*?(?:\bfrom\s*)?"(?<specifier>[^"\n]+)"/gm;
const call = /\bimport\(\s*"(?<specifier>[^"\n]+)"\s*\)(?<member>\.(?!then\b|catch\b|finally\b)\w)?/g;
const comment = /^[ \t]*(?:\/\/|\/?\*).*$/gm;

/** Finds the imports of one source file formatted by Biome. */
export function findImports(file: string, source: string): readonly FoundImport[] {
  const code = source.replace(comment, "");
  const found: FoundImport[] = [];
  for (const match of code.matchAll(statement)) {
    if (/^[ \t]*export\s+(?:const|let|function|class|async|interface)\b/.test(match[0])) continue;
    if (/^[ \t]*(?:import|export)\s+type\s+\w+\s*(?:<[^>]*>)?\s*=/.test(match[0])) continue;
    found.push({ file, specifier: match.groups?.specifier ?? "", typeOnly: match.groups?.type !== undefined });
  }
  for (const match of code.matchAll(call)) {
    found.push({ file, specifier: match.groups?.specifier ?? "", typeOnly: match.groups?.member !== undefined });
  }
  return found;
}

/** What the SDK's tarball offers beside its root. */
const publicParts: ReadonlySet<string> = new Set(
  ["edge", "express", "fastify", "hono", "next", "testing"].map((part) => `sdk/${part}`),
);

const isTest = (file: string): boolean => /\.test\.ts$|^tests\//.test(file);

function packageOf(file: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(file)?.[1];
}

function checkOurPackage(found: FoundImport): string | undefined {
  const [, target = "", inside] = /^@evident\/([^/]+)(\/.*)?$/.exec(found.specifier) ?? [];
  if (inside !== undefined && !publicParts.has(`${target}${inside}`)) {
    return `import the package root @evident/${target}`;
  }
  const from = packageOf(found.file);
  if (from === undefined) return undefined;
  const allowed = packageArrows[from] ?? [];
  if (allowed.includes(target) || (isTest(found.file) && target === "testkit")) return undefined;
  return `${from} may import ${allowed.length === 0 ? "no package of ours" : allowed.join(", ")}`;
}

function checkRelative(found: FoundImport): string | undefined {
  const target = posix.join(posix.dirname(found.file), found.specifier);
  const from = packageOf(found.file);
  if (from !== packageOf(target)) return "import another package by its name, not by path";
  if (from === undefined) return undefined;
  const room = closedRoom(found.file, target);
  if (room !== undefined && target !== `${room}/index.ts`) return `outside ${room}/ import only its index.ts`;
  return checkStage(found, target);
}

/** The outermost folder that holds `target` but not `file`. */
function closedRoom(file: string, target: string): string | undefined {
  const parts = posix.dirname(target).split("/");
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join("/");
    if (!file.startsWith(`${folder}/`)) return folder;
  }
  return undefined;
}

function checkStage(found: FoundImport, target: string): string | undefined {
  const stageOf = (path: string): string | undefined => /^packages\/server\/src\/([^/]+)\//.exec(path)?.[1];
  const from = stageOf(found.file);
  const to = stageOf(target);
  if (from === undefined || from === to || joiningStages.has(from) || isTest(found.file)) return undefined;
  if (to === undefined) return `stage ${from} may not import ${target}: main.ts and index.ts join the stages`;
  if (found.typeOnly && !joiningStages.has(to)) return undefined;
  return `stage ${from} may import only types of stage ${to}`;
}

/** The rule that an import breaks, in words; undefined when it is allowed. */
export function checkImport(found: FoundImport): string | undefined {
  const { file, specifier } = found;
  if (specifier.startsWith("@evident/")) return checkOurPackage(found);
  if (specifier.startsWith(".")) return checkRelative(found);
  const isBuiltin = specifier.startsWith("node:");
  if (isBuiltin && packageOf(file) === "core" && file !== "packages/core/src/crypto/node.ts" && !isTest(file)) {
    return "core runs in a browser: only src/crypto/node.ts may import builtins of Node";
  }
  return undefined;
}

async function main(): Promise<number> {
  let broken = 0;
  for await (const path of glob(["packages/*/src/**/*.ts", "tests/**/*.ts", "bench/**/*.ts", "scripts/**/*.ts"])) {
    const file = path.replaceAll("\\", "/");
    for (const found of findImports(file, readFileSync(file, "utf8"))) {
      const rule = checkImport(found);
      if (rule === undefined) continue;
      broken += 1;
      console.error(`${file}: "${found.specifier}": ${rule}`);
    }
  }
  return broken === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
