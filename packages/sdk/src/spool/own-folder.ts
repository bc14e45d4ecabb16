import { mkdirSync, renameSync, rmdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeOwner } from "./owner.ts";

export const OWNER_FILE = "owner.json";
export const PROGRESS_FILE = "sent";
export const SLOTS_FILE = "open";

/**
 * The folder of one writer inside the spool. It is made under another name and renamed when its owner file is in it, so that nobody takes
 * a folder that is only being made for one that was left.
 */
export class OwnFolder {
  readonly path: string;

  constructor(dir: string, name: string, instance: string) {
    this.path = join(dir, name);
    const making = join(dir, `.making-${name}`);
    mkdirSync(making, { recursive: true, mode: 0o700 });
    writeFileSync(join(making, OWNER_FILE), JSON.stringify(describeOwner(instance)), { mode: 0o600, flush: true });
    renameSync(making, this.path);
  }

  /** Gives a sign of life. @returns false when the folder is not ours any more: it was taken while this process stood still. */
  touch(): boolean {
    const now = new Date();
    try {
      utimesSync(join(this.path, OWNER_FILE), now, now);
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw cause;
    }
  }

  /** Leaves what is in it to whoever comes; an empty one is removed. */
  release(isEmpty: boolean): void {
    rmSync(join(this.path, OWNER_FILE), { force: true });
    if (!isEmpty) return;
    for (const name of [PROGRESS_FILE, SLOTS_FILE]) rmSync(join(this.path, name), { force: true });
    try {
      rmdirSync(this.path);
    } catch {
      // Taken already, or something of somebody else is in it: not ours to remove.
    }
  }
}
