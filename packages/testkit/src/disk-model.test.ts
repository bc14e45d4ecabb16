import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiskModel, type DiskStep, type Survival } from "./disk-model.ts";
import { makeRandom } from "./random.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const always = Number.MAX_SAFE_INTEGER;

function modelOf(steps: readonly DiskStep[]): DiskModel {
  const model = new DiskModel();
  for (const step of steps) model.apply(step);
  return model;
}

function filesOf(model: DiskModel, survival: Survival, seed = 1): Record<string, string> {
  const { files } = model.image(survival, makeRandom(seed));
  return Object.fromEntries([...files].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]));
}

const create = (path: string, inode: number): DiskStep => ({ kind: "create", path, inode });
const write = (inode: number, offset: number, content: string): DiskStep => {
  return { kind: "write", inode, offset, bytes: text(content) };
};
const syncFile = (inode: number): DiskStep => ({ kind: "syncFile", inode, covers: always });
const syncRoot: DiskStep = { kind: "syncDirectory", path: "", covers: always };

describe("DiskModel", () => {
  it("keeps data only after a sync of the file, and its name only after a sync of the directory", () => {
    const model = modelOf([create("a", 1), write(1, 0, "one"), syncFile(1)]);
    expect(filesOf(model, "lost")).toEqual({});
    model.apply(syncRoot);
    model.apply(write(1, 3, "two"));
    expect(filesOf(model, "lost")).toEqual({ a: "one" });
    expect(filesOf(model, "kept")).toEqual({ a: "onetwo" });
    expect(filesOf(model, "sized")).toEqual({ a: "one\0\0\0" });
  });

  it("does not count a write that finished after the sync had begun", () => {
    const model = modelOf([create("a", 1), syncRoot, write(1, 0, "one"), write(1, 3, "two")]);
    model.apply({ kind: "syncFile", inode: 1, covers: 3 });
    expect(filesOf(model, "lost")).toEqual({ a: "one" });
  });

  it("shows a rename without a sync of its data as an empty file under the new name", () => {
    const model = modelOf([
      create("head", 1),
      write(1, 0, "old"),
      syncFile(1),
      syncRoot,
      create("head.tmp", 2),
      write(2, 0, "new"),
      { kind: "rename", from: "head.tmp", to: "head", inode: 2 },
    ]);
    expect(filesOf(model, "lost")).toEqual({ head: "old" });
    expect(filesOf(model, "names")).toEqual({ head: "" });
    model.apply(syncFile(2));
    expect(filesOf(model, "names")).toEqual({ head: "new" });
  });

  it("moves a file durably out of a directory that was never synced", () => {
    const model = modelOf([
      { kind: "makeDirectory", path: "tmp" },
      create("tmp/a", 1),
      write(1, 0, "x"),
      syncFile(1),
      { kind: "rename", from: "tmp/a", to: "a", inode: 1 },
      syncRoot,
    ]);
    for (const survival of ["lost", "kept", "names", "sized"] as const)
      expect(filesOf(model, survival)).toEqual({ a: "x" });
    model.apply({ kind: "syncDirectory", path: "tmp", covers: always });
    expect(filesOf(model, "kept")).toEqual({ a: "x" });
  });

  it("loses what lies in a directory whose own name was not made durable", () => {
    const model = modelOf([
      { kind: "makeDirectory", path: "d" },
      create("d/a", 1),
      write(1, 0, "x"),
      syncFile(1),
      { kind: "syncDirectory", path: "d", covers: always },
    ]);
    expect(filesOf(model, "lost")).toEqual({});
    model.apply(syncRoot);
    expect(filesOf(model, "lost")).toEqual({ "d/a": "x" });
  });

  it("leaves of an unsynced write any of its sectors, and never touches synced bytes", () => {
    const old = "o".repeat(2048);
    const model = modelOf([create("a", 1), write(1, 0, old), syncFile(1), syncRoot, write(1, 0, "n".repeat(2048))]);
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const content = filesOf(model, "reordered", seed).a ?? "";
        const sectors = content.match(/.{512}/g) ?? [];
        expect(sectors).toHaveLength(4);
        for (const sector of sectors) expect(["o".repeat(512), "n".repeat(512)]).toContain(sector);
        seen.add(sectors.map((sector) => sector[0]).join(""));
        expect(filesOf(modelOf([create("b", 1), write(1, 0, old), syncFile(1), syncRoot]), "reordered", seed)).toEqual({
          b: old,
        });
      }),
      { numRuns: 200 },
    );
    expect(seen.size).toBeGreaterThan(8);
  });
});
