import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { openFileStorage } from "./open-file-storage.ts";

const module = JSON.stringify(new URL("./open-file-storage.ts", import.meta.url).href);

/** Another process that takes the lock and then does nothing. */
async function startHolder(dataDir: string): Promise<ChildProcess> {
  const program = `
    const { openFileStorage } = await import(${module});
    globalThis.lock = await openFileStorage(${JSON.stringify(dataDir)}).lock();
    process.stdout.write("locked");
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (holder.stdout === null) throw new Error("no output to wait for");
  await once(holder.stdout, "data");
  return holder;
}

describe("the one-writer lock", () => {
  it("refuses a second holder in this process until the first releases it", async () => {
    using directory = makeTemporaryDirectory("lock");
    const first = await openFileStorage(directory.path).lock();
    await expect(openFileStorage(directory.path).lock()).rejects.toMatchObject({ code: "store_in_use" });
    await expect(openFileStorage(directory.path).lock()).rejects.toMatchObject({ code: "store_in_use" });
    first.release();
    first.release();
    const second = await openFileStorage(directory.path).lock();
    second.release();
  });

  it("is held by a process that is paused, and free once it is killed", async () => {
    using directory = makeTemporaryDirectory("lock");
    const holder = await startHolder(directory.path);
    try {
      await expect(openFileStorage(directory.path).lock()).rejects.toMatchObject({ code: "store_in_use" });
      holder.kill("SIGSTOP");
      await expect(openFileStorage(directory.path).lock()).rejects.toMatchObject({ code: "store_in_use" });
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    const lock = await openFileStorage(directory.path).lock();
    lock.release();
  });
});
