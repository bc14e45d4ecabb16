import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { describe, expect, it } from "vitest";

const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));

describe("a store put back to an older copy, beside the keys it has now", () => {
  for (const how of ["taken while it ran", "taken after a clean stop"] as const) {
    it(`is refused when the copy was ${how}`, async () => {
      using directory = makeTemporaryDirectory("roll-back");
      const copy = join(directory.path, "copy");
      const data = join(directory.path, "data");
      const take = (): void => cpSync(data, copy, { recursive: true, filter: (path) => !path.includes("lock.sqlite") });
      const first = await openSmallLedger(directory.path);
      await first.createTrail({ name: "alpha", tenant: "acme", by: "test" });
      await first.append("alpha", drafts("old", 20));
      await first.waitPublished("alpha", 20);
      if (how === "taken while it ran") take();
      await first.close();
      if (how === "taken after a clean stop") take();
      const second = await openSmallLedger(directory.path);
      await second.append("alpha", drafts("new", 5));
      await second.waitPublished("alpha", 25);
      await second.close();
      rmSync(data, { recursive: true });
      cpSync(copy, data, { recursive: true });
      await expect(openSmallLedger(directory.path)).rejects.toMatchObject({ code: "rolled_back" });
    });
  }

  it("is refused when a trail was made since", async () => {
    using directory = makeTemporaryDirectory("roll-back");
    const data = join(directory.path, "data");
    await (await openSmallLedger(directory.path)).close();
    cpSync(data, join(directory.path, "copy"), { recursive: true });
    const second = await openSmallLedger(directory.path);
    await second.createTrail({ name: "alpha", tenant: "acme", by: "test" });
    await second.close();
    rmSync(data, { recursive: true });
    cpSync(join(directory.path, "copy"), data, { recursive: true });
    await expect(openSmallLedger(directory.path)).rejects.toMatchObject({ code: "rolled_back" });
  });

  it("starts with its newest copy, however often it stops", async () => {
    using directory = makeTemporaryDirectory("roll-back");
    for (let life = 0; life < 3; life += 1) {
      const ledger = await openSmallLedger(directory.path);
      if (life === 0) await ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
      await ledger.append("alpha", drafts(`life-${life}`, 3));
      await ledger.close();
    }
    const last = await openSmallLedger(directory.path);
    expect(last.trail("alpha")?.size).toBe(9);
    await last.close();
  });
});
