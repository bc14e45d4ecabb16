import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const root = new URL("../../../../../../shared/data/", import.meta.url);

/** Whether the real logs lie beside the repository. Tests that need them are skipped elsewhere, and say so by their name. */
export const hasSharedData = existsSync(root);

/** A file of real logs, unpacked. */
export function readShared(path: string): Buffer {
  const bytes = readFileSync(new URL(path, root));
  return path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}
