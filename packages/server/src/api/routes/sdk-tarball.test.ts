import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApi, type TestApi } from "../testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe("GET /sdk.tgz", () => {
  it("gives the SDK to anybody, once per version", async () => {
    const answer = await api.fetch("/sdk.tgz", { key: "" });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/gzip"]);
    const tar = gunzipSync(await answer.bytes()).toString("latin1");
    expect(tar).toContain("package/package.json");
    expect(tar).toContain("package/dist/express/index.js");
    const again = await api.fetch("/sdk.tgz", { headers: { "if-none-match": answer.headers.get("etag") ?? "" } });
    expect(again.status).toBe(304);
  });
});
