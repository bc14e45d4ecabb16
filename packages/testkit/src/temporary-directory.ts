import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";

/**
 * A new directory that `using` removes at the end of the block, read-only files in it included.
 *
 * @param options `memory`: in memory where the system has such a place, for tests that model the disk themselves and make a thousand stores
 */
export function makeTemporaryDirectory(
  label: string,
  options: { readonly memory?: boolean } = {},
): { readonly path: string; [Symbol.dispose](): void } {
  const parent = options.memory === true && isWritable(MEMORY) ? MEMORY : tmpdir();
  const path = mkdtempSync(join(parent, `evident-${label}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
