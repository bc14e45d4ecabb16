import { createHash } from "node:crypto";
import { makeTemporaryDirectory } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { openIdentityStore } from "./open-identity-store.ts";

/** Millions with `npm run soak`, thousands otherwise. */
const COUNT = process.env["EVIDENT_SOAK"] === "1" ? 5_000_000 : 60_000;
const FLUSH = COUNT / 25;
const MEMORY_BYTES = 64 << 20;

function writeIdentity(identity: Uint8Array, id: number): void {
  createHash("md5").update(String(id)).digest().copy(identity);
}

/** Microseconds a call. */
function time(calls: number, call: (i: number) => void): number {
  const start = performance.now();
  for (let i = 0; i < calls; i += 1) call(i);
  return ((performance.now() - start) * 1_000) / calls;
}

describe("an identity store of many", () => {
  it(`stays exact and within its memory at ${COUNT} keys`, { timeout: 900_000 }, async () => {
    using directory = makeTemporaryDirectory("identity");
    const identity = new Uint8Array(24);
    const store = await openIdentityStore(directory.path, { memoryBytes: MEMORY_BYTES });
    let wrong = 0;
    for (let from = 0; from < COUNT; from += FLUSH) {
      for (let id = from; id < from + FLUSH; id += 1) {
        writeIdentity(identity, id);
        if (store.find(identity) !== undefined) wrong += 1;
        store.add(identity, 1, id);
      }
      await store.flush({ a: from + FLUSH }, Promise.resolve());
    }
    expect(store.count).toBe(COUNT);
    await store.close();
    const again = await openIdentityStore(directory.path, { memoryBytes: MEMORY_BYTES });
    const hashUs = time(COUNT / 10, (i) => writeIdentity(identity, i));
    const hitUs = time(COUNT / 10, (i) => {
      writeIdentity(identity, i * 10);
      if (again.find(identity)?.index !== i * 10) wrong += 1;
    });
    const missUs = time(COUNT / 10, (i) => {
      writeIdentity(identity, COUNT + i);
      if (again.find(identity) !== undefined) wrong += 1;
    });
    expect(wrong).toBe(0);
    expect(again.memoryBytes).toBeLessThan(MEMORY_BYTES);
    process.stdout.write(
      `${COUNT} identities: hit ${(hitUs - hashUs).toFixed(2)} us, miss ${(missUs - hashUs).toFixed(2)} us, ` +
        `${(again.memoryBytes / 1024 / 1024).toFixed(1)} MiB\n`,
    );
    await again.close();
  });
});
