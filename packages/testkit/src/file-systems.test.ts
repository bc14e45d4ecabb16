import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@evident/server";
import { describe, expect, it } from "vitest";
import { DiskModel } from "./disk-model.ts";
import { FaultyFileSystem } from "./faulty-file-system.ts";
import { makeRandom } from "./random.ts";
import { RecordingFileSystem, writeImage } from "./recording-file-system.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe("FaultyFileSystem", () => {
  it("fails the call it was told to, does its work or not, and is well again afterwards", async () => {
    using directory = makeTemporaryDirectory("faulty");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const path = join(directory.path, "a");
    const file = await disk.open(path, "create");
    disk.fail({ call: "pwrite", nth: 2, how: "lost", error: "ENOSPC" });
    disk.fail({ call: "pwrite", nth: 3, how: "applied" });
    await file.pwrite(text("1"), 0);
    await expect(file.pwrite(text("2"), 1)).rejects.toMatchObject({ code: "ENOSPC" });
    await expect(file.pwrite(text("3"), 2)).rejects.toMatchObject({ code: "EIO" });
    await file.pwrite(text("4"), 3);
    expect(readFileSync(path, "latin1")).toBe("1\u{0}34");
    expect(disk.count("pwrite", /a$/)).toBe(4);
    await file.close();
  });

  it("lets nothing happen and nothing return after a crash", async () => {
    using directory = makeTemporaryDirectory("faulty");
    const disk = new FaultyFileSystem(nodeFileSystem);
    disk.fail({ call: "rename", nth: 1, how: "crash_after" });
    const [from, to, other] = ["a", "b", "c"].map((name) => join(directory.path, name)) as [string, string, string];
    const file = await disk.open(from, "create");
    let returned = false;
    const rename = async (): Promise<void> => {
      await disk.rename(from, to);
      returned = true;
    };
    void rename();
    await disk.crashed;
    void disk.rename(to, other);
    void file.pwrite(text("late"), 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ returned, moved: existsSync(to), moreMoved: existsSync(other) }).toEqual({
      returned: false,
      moved: true,
      moreMoved: false,
    });
    expect(readFileSync(to, "latin1")).toBe("");
  });
});

describe("RecordingFileSystem", () => {
  it("records what a replay needs to lay out the directory as it was", async () => {
    using directory = makeTemporaryDirectory("recording");
    const root = join(directory.path, "root");
    await nodeFileSystem.mkdir(root);
    const disk = new RecordingFileSystem(nodeFileSystem, root);
    await disk.mkdir(join(root, "d"));
    const file = await disk.open(join(root, "d", "a.tmp"), "create");
    await file.pwrite(text("hello world"), 0);
    await file.truncate(5);
    await file.fdatasync();
    await disk.rename(join(root, "d", "a.tmp"), join(root, "d", "a"));
    disk.mark("renamed", 1);
    await disk.syncDirectory(root);
    await disk.syncDirectory(join(root, "d"));
    await file.pwrite(text("!"), 5);
    await file.close();

    const model = new DiskModel();
    for (const step of disk.steps) model.apply(step);
    for (const [survival, content] of [
      ["lost", "hello"],
      ["kept", "hello!"],
    ] as const) {
      writeImage(model.image(survival, makeRandom(1)), join(directory.path, survival));
      expect(readFileSync(join(directory.path, survival, "d", "a"), "latin1")).toBe(content);
    }
    expect(disk.steps.some((step) => step.kind === "mark" && step.label === "renamed")).toBe(true);
  });

  it("takes what was there before as durable", async () => {
    using directory = makeTemporaryDirectory("recording");
    const root = join(directory.path, "root");
    writeImage({ directories: ["d"], files: new Map([["d/a", text("old")]]) }, root);
    const disk = new RecordingFileSystem(nodeFileSystem, root);
    disk.adopt();
    const file = await disk.open(join(root, "d", "a"), "update");
    await file.pwrite(text("new"), 0);
    await file.close();
    const model = new DiskModel();
    for (const step of disk.steps) model.apply(step);
    const contentOf = (survival: "lost" | "kept"): string =>
      new TextDecoder().decode(model.image(survival, makeRandom(1)).files.get("d/a"));
    expect([contentOf("lost"), contentOf("kept")]).toEqual(["old", "new"]);
  });
});
