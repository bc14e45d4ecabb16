import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "@evident/server";
import { formatBytes } from "../terminal/index.ts";
import { type Check, failed, ok, warning } from "./check.ts";

const LOW_SPACE_BYTES = 2 * 1024 ** 3;
const TMPFS = 0x01021994;

function checkPrivate(name: string, dir: string): Check {
  if (!existsSync(dir))
    return failed(name, `${dir} is missing`, "Restore it from its backup; do not start the server without it.");
  const open = [dir, ...readdirSync(dir, { recursive: true }).map((file) => join(dir, String(file)))].filter(
    // trails.json holds public keys only.
    (path) => (statSync(path).mode & 0o077) !== 0 && !path.endsWith("trails.json"),
  );
  const [first] = open;
  if (first === undefined) return ok(name, `${dir} is for its owner only`);
  return failed(
    name,
    `${first} can be read by others${open.length > 1 ? `, and ${open.length - 1} more` : ""}`,
    `chmod -R go= ${dir}`,
  );
}

function checkSpace(config: Config): readonly Check[] {
  const { bavail, bsize, type } = statfsSync(config.data);
  const free = bavail * bsize;
  const space =
    free < LOW_SPACE_BYTES
      ? warning("space", `${formatBytes(free)} free for ${config.data}`, "Free disk space: at 0 no events are taken.")
      : ok("space", `${formatBytes(free)} free for ${config.data}`);
  if (type !== TMPFS) return [space];
  return [space, failed("file system", `${config.data} is in memory`, "Put the data directory on a disk.")];
}

/** Looks at the directories of a server on this machine: what must be there, and who may read it. */
export function checkFiles(config: Config): readonly Check[] {
  if (!existsSync(config.data)) {
    return [
      failed("data", `${config.data} is not there`, "Name the server's with --data, or start one with evident serve."),
    ];
  }
  const bootstrap = join(config.keys, "bootstrap-admin");
  const checks = [
    ok("data", config.data),
    ...checkSpace(config),
    checkPrivate("keys", config.keys),
    checkPrivate("vault", config.vault),
  ];
  if (!existsSync(bootstrap)) return checks;
  const fix =
    "Make keys for people and programs with evident keys create, keep this one safe elsewhere and delete the file.";
  return [...checks, warning("bootstrap key", `${bootstrap} still holds an administrator's key`, fix)];
}
