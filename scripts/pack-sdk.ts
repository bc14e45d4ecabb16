import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const sdk = join(root, "packages/sdk");
const compiler = join(root, "node_modules/typescript/bin/tsc");

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
}

/**
 * Compiles the SDK and writes it as an npm tarball. The same sources give the same bytes: `npm pack` sets every time and owner. Works in a
 * folder of its own, so that several may run at once.
 *
 * @param file where to write the tarball; the folder is made when missing
 * @throws Error with what the compiler or npm said
 */
export function packSdk(file: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "evident-sdk-"));
  try {
    run(process.execPath, [compiler, "-p", join(sdk, "tsconfig.build.json"), "--outDir", join(folder, "dist")], root);
    for (const name of ["package.json", "README.md", "LICENSE"]) copyFileSync(join(sdk, name), join(folder, name));
    run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], folder);
    const [packed = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
    copyFileSync(join(folder, packed), resolve(file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { "if-possible": { type: "boolean" } },
  });
  const [file] = positionals;
  if (file === undefined) {
    console.error("usage: node scripts/pack-sdk.ts [--if-possible] FILE.tgz");
    process.exitCode = 2;
  } else if (values["if-possible"] === true && !existsSync(compiler)) {
    // Installed without the development dependencies: the server then has no SDK to offer, and says so.
    console.error("the SDK is not packed: there is no compiler");
  } else packSdk(file);
}
