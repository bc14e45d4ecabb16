import {
  bundlePath,
  decodeBundle,
  fromUtf8,
  hashLeaf,
  openCheckpoint,
  partialTiles,
  splitHashes,
  TreeBuilder,
  tilePath,
  toHex,
  verifyReceipt,
} from "@evident/core";
import { makeDraft, makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { send, startApi, type TestApi } from "../testing/index.ts";

const SIZE = 70_000;
const LOG = "/v1/trails/main/log";
const IMMUTABLE = "private, max-age=31536000, immutable";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ flags: { "limits.requestsPerSecond": "100000" } });
  for (let at = 0; at < SIZE; at += 10_000)
    await api.ledger.append(
      "main",
      Array.from({ length: 10_000 }, (_, i) => makeDraft(`e${at + i}`)),
    );
  await api.ledger.waitPublished("main", SIZE);
});
afterAll(() => api.close());

async function bytesOf(path: string): Promise<Uint8Array> {
  const answer = await api.fetch(path);
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

describe("the log of a trail over HTTP", () => {
  it("has a checkpoint with both signatures of the trail's keys, never cached", async () => {
    const answer = await api.fetch(`${LOG}/checkpoint`);
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const note = new Uint8Array(await answer.arrayBuffer());
    const keys = api.ledger.trail("main")?.genesis ?? [];
    const opened = openCheckpoint(note, keys, { strict: true });
    expect(opened).toMatchObject({
      kind: "valid",
      checkpoint: { size: BigInt(SIZE), origin: api.ledger.trail("main")?.origin },
    });
  });

  it("gives every entry and every hash of it, so that anybody can compute its root", async () => {
    const tree = new TreeBuilder();
    for (let n = 0; n * 256 < SIZE; n += 1) {
      const width = Math.min(256, SIZE - n * 256);
      const entries = decodeBundle(await bytesOf(`${LOG}/${bundlePath(n, width)}`));
      expect(entries).toHaveLength(width);
      const hashes = entries.map(hashLeaf);
      const tile = splitHashes(await bytesOf(`${LOG}/${tilePath(0, n, width)}`));
      expect(tile.map(toHex)).toEqual(hashes.map(toHex));
      for (const hash of hashes) tree.append(hash);
    }
    expect(toHex(tree.root())).toBe(toHex(api.ledger.published("main").root));
    for (const { level, n, width } of partialTiles(SIZE))
      expect(await bytesOf(`${LOG}/${tilePath(level, n, width)}`)).toHaveLength(width * 32);
    expect(await bytesOf(`${LOG}/${tilePath(1, 0, 256)}`)).toHaveLength(8_192);
  });

  it("caches tiles and bundles for good, each with its own type", async () => {
    for (const path of [
      "tile/0/000",
      "tile/0/000.p/7",
      "tile/1/001.p/17",
      "tile/entries/000",
      "tile/entries/273.p/112",
    ]) {
      const answer = await api.fetch(`${LOG}/${path}`);
      expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([
        200,
        "application/octet-stream",
        IMMUTABLE,
      ]);
    }
  });

  it.each([
    "tile/0/274",
    "tile/0/273",
    "tile/0/273.p/113",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/257",
    "tile/0/000.p/01",
    "tile/0/000.p",
    "tile/0/0",
    "tile/0/00",
    "tile/0/x000/000",
    "tile/0/-01",
    "tile/0/000/",
    "tile/0/%30%30%30x",
    "tile/00/000",
    "tile/2/000.p/2",
    "tile/64/000",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/entries/000.p/0",
    "tile/entries/000.p/256",
    "tile/entries/274",
    "tile/entries/273.p/113",
    "tile/entries",
    "tile/entries/..%2f..%2fcheckpoint",
    "tile/",
    "tile/data/000",
    "checkpoint/",
    "tile/names.txt",
    "rotations/5.note",
  ])("has no %s", async (path) => {
    const answer = await api.fetch(`${LOG}/${path}`);
    expect([404, 400]).toContain(answer.status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("gives receipts that verify with the genesis keys, before and after a rotation", async () => {
    const { index } = (await (await send(api, JSON.stringify(makeEvent("proven")))).json()) as { index: number };
    const keys = api.ledger.trail("main")?.genesis ?? [];
    const answer = await api.fetch(`/v1/events/main:${index}/proof`);
    expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="main-${index}.tlog-proof"`);
    const proof = new Uint8Array(await answer.arrayBuffer());
    const verdict = verifyReceipt({ proof, keys });
    expect(verdict).toMatchObject({ kind: "verified", index: BigInt(index) });
    expect(verdict.kind === "verified" && fromUtf8(verdict.entry)).toContain('"id":"proven"');
    const rotated = await api.fetch("/v1/trails/main/rotate", { method: "POST" });
    const info = (await rotated.json()) as { keys: string[]; genesis: string[] };
    expect(info.genesis).toEqual(keys);
    expect(info.keys).not.toEqual(keys);
    const { rotations } = (await (await api.fetch(`${LOG}/rotations`)).json()) as { rotations: { size: number }[] };
    expect(rotations).toEqual([{ size: index + 1 }]);
    const note = await api.fetch(`${LOG}/rotations/${index + 1}.note`);
    expect([note.headers.get("content-type"), note.headers.get("cache-control")]).toEqual([
      "text/plain; charset=utf-8",
      IMMUTABLE,
    ]);
    const noteBytes = new Uint8Array(await note.arrayBuffer());
    expect(openCheckpoint(noteBytes, keys, { strict: false }).kind).toBe("valid");
    expect(openCheckpoint(noteBytes, info.keys, { strict: false }).kind).toBe("valid");
    await send(api, JSON.stringify(makeEvent("after")));
    const later = await api.fetch(`/v1/events/main:${index + 1}/proof`);
    expect(verifyReceipt({ proof: new Uint8Array(await later.arrayBuffer()), keys: info.keys }).kind).toBe("verified");
  });

  it("waits for the checkpoint that covers an entry that was just stored", async () => {
    for (let i = 0; i < 20; i += 1) {
      const { index } = (await (await send(api, JSON.stringify(makeEvent(`quick-${i}`)))).json()) as { index: number };
      expect((await api.fetch(`/v1/events/main:${index}/proof`)).status).toBe(200);
    }
  });

  it("is empty and still signed while the trail is", async () => {
    await api.fetch("/v1/trails", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "empty" }),
    });
    const note = await bytesOf("/v1/trails/empty/log/checkpoint");
    expect(fromUtf8(note)).toMatch(/\n0\n47DEQpj8HBSa\+\/TImW\+5JCeuQeRkm5NMpJWZG3hSuFU=\n/);
    for (const path of ["tile/0/000", "tile/0/000.p/1", "tile/entries/000.p/1"])
      expect((await api.fetch(`/v1/trails/empty/log/${path}`)).status).toBe(404);
  });
});

describe("a trail", () => {
  it("is made with a place, is refused twice, and names what is wrong with its name", async () => {
    const make = (body: unknown): Promise<Response> =>
      api.fetch("/v1/trails", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const made = await make({ name: "fresh" });
    expect([made.status, made.headers.get("location")]).toEqual([201, "/v1/trails/fresh"]);
    expect(await made.json()).toMatchObject({
      name: "fresh",
      tenant: "default",
      system: false,
      size: 0,
      publishedSize: 0,
    });
    expect((await make({ name: "fresh" })).status).toBe(409);
    for (const name of ["Upper", "", "1st", "a".repeat(64), "evident/x", 5])
      expect((await make({ name })).status).toBe(400);
    expect((await make({ name: "ok", tenant: "*" })).status).toBe(400);
  });

  it("is sealed on request, which is recorded, and reads as before", async () => {
    const sealed = await api.fetch("/v1/trails/main/seal", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tail: true }),
    });
    const { size, sealedSize } = (await sealed.json()) as { size: number; sealedSize: number };
    expect(sealedSize).toBe(size);
    expect(decodeBundle(await bytesOf(`${LOG}/tile/entries/000`))).toHaveLength(256);
    const last = (await (await api.fetch("/v1/events?trail=evident-reads&q=action.name:trail.seal")).json()) as {
      events: { entry: unknown }[];
    };
    expect(last.events[0]?.entry).toMatchObject({ event: { action: { op: "CONFIGURE" }, detail: { tail: true } } });
    expect((await api.fetch("/v1/trails/main/seal", { method: "POST" })).status).toBe(200);
  });
});
