import { readdirSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@evident/core";
import { FaultyFileSystem, makeDraft, makeTemporaryDirectory, openSmallLedger, withBlob } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { verifyDirectory } from "../verify/index.ts";
import { blobId } from "./blobs.ts";
import { type Ledger, nodeFileSystem } from "./index.ts";

const ciphertext = (text: string): Uint8Array => new Uint8Array(Buffer.from(`ciphertext of ${text}`));
const draft = (id: string) => withBlob(makeDraft(id), ciphertext(id));

async function open(directory: string, disk: FaultyFileSystem): Promise<Ledger> {
  const ledger = await openSmallLedger(directory, { fileSystem: disk });
  await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  return ledger;
}

const names = (directory: string): readonly string[] => readdirSync(join(directory, "data/blobs/alpha")).sort();
const problems = async (directory: string) => (await verifyDirectory(join(directory, "data"), {})).problems;

describe("blobs on a full disk", () => {
  for (const how of ["lost", "applied"] as const) {
    it(`that could not all be written (${how}) refuse their events, and those written go away`, async () => {
      using directory = makeTemporaryDirectory("blobs");
      const disk = new FaultyFileSystem(nodeFileSystem);
      const ledger = await open(directory.path, disk);
      await ledger.append("alpha", [draft("kept")]);
      disk.fail({ call: "rename", path: /\.pending$/, nth: 2, how, error: "ENOSPC" });
      const refused = ledger.append("alpha", [draft("one"), draft("two"), draft("three")]);
      await expect(refused).rejects.toMatchObject({ code: "storage_full" });
      expect(ledger.trail("alpha")?.size).toBe(1);
      await ledger.close();
      expect(names(directory.path)).toEqual([blobId(ciphertext("kept"))]);
      expect(await problems(directory.path)).toEqual([]);
    });

    it(`that could not get their names (${how}) are stored and readable all the same, and get them later`, async () => {
      using directory = makeTemporaryDirectory("blobs");
      const disk = new FaultyFileSystem(nodeFileSystem);
      const ledger = await open(directory.path, disk);
      disk.fail({ call: "rename", path: /\/[0-9a-f]{32}$/, nth: 1, how, error: "ENOSPC" });
      expect(await ledger.append("alpha", [draft("one")])).toMatchObject([{ status: "stored", index: 0 }]);
      const id = blobId(ciphertext("one"));
      expect(toHex((await ledger.blob("alpha", id)) ?? new Uint8Array())).toBe(toHex(ciphertext("one")));
      await ledger.seal("alpha", { tail: true });
      expect(names(directory.path)).toEqual([id]);
      await ledger.close();
      expect(await problems(directory.path)).toEqual([]);
    });
  }

  it("that belong to a duplicate go away when there is room again", async () => {
    using directory = makeTemporaryDirectory("blobs");
    const disk = new FaultyFileSystem(nodeFileSystem);
    const ledger = await open(directory.path, disk);
    await ledger.append("alpha", [draft("one")]);
    disk.fail({ call: "unlink", path: /\.pending$/, nth: 1, how: "lost", error: "ENOSPC" });
    const again = await ledger.append("alpha", [withBlob(makeDraft("one"), ciphertext("another"))]);
    expect(again).toMatchObject([{ status: "duplicate", index: 0 }]);
    expect(names(directory.path)).toHaveLength(2);
    await ledger.close();
    expect(names(directory.path)).toEqual([blobId(ciphertext("one"))]);
    expect(await problems(directory.path)).toEqual([]);
  });
});
