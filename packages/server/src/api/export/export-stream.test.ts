import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { EvidentError, makeExportText } from "@evident/core";
import { makeEvent } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Search } from "../../search/index.ts";
import { PacedWriter } from "../app/index.ts";
import { NDJSON, openMemorySearch, send, startApi, type TestApi } from "../testing/index.ts";
import { type ExportOptions, type ExportOutcome, ExportStream } from "./export-stream.ts";

let api: TestApi;
let search: Search;
beforeAll(async () => {
  api = await startApi();
  const body = Array.from({ length: 50 }, (_, i) => JSON.stringify(makeEvent(`e${i}`))).join("\n");
  await (await send(api, body, { type: NDJSON })).text();
  search = openMemorySearch(api.ledger);
});
afterAll(() => api.close());

/** Runs an export of everything into a response that is read to its end. */
async function run(options: Partial<ExportOptions>): Promise<ExportOutcome> {
  const outcome = Promise.withResolvers<ExportOutcome>();
  const server = createServer((_request, response) => {
    const writer = new PacedWriter(response, { maxBufferedBytes: 256 * 1024, stallMs: 1_000 });
    const stream = new ExportStream({
      search,
      writer,
      format: makeExportText("ndjson", []),
      query: { trails: ["main"] },
      sizes: new Map([["main", 50]]),
      receipts: undefined,
      isAllowed: () => true,
      stopping: new AbortController().signal,
      ...options,
    });
    outcome.resolve(stream.run().finally(() => response.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  get(url, { agent: false }, (answer: IncomingMessage) => answer.resume());
  const ended = await outcome.promise;
  server.close();
  return ended;
}

describe("an export as it is written", () => {
  it("goes page by page to the end", async () => {
    const paged: Search = { ...search, query: (query) => search.query({ ...query, limit: 7 }) };
    expect(await run({ search: paged })).toMatchObject({ end: "complete", entries: 50, last: "main:49" });
  });

  it("is not complete when the index gives less than the log has", async () => {
    const lossy: Search = {
      ...search,
      async query(query) {
        const page = await search.query(query);
        return { ...page, hits: page.hits.filter(({ index }) => index !== 13) };
      },
    };
    const outcome = await run({ search: lossy });
    expect(outcome).toMatchObject({ end: "failed", entries: 49 });
    expect(outcome.cause).toMatchObject({ message: "the index gave 49 of 50 entries of main" });
  });

  it("waits for an index that starts again, and gives up on one that does not come back", async () => {
    let refusals = 2;
    const restarting: Search = {
      ...search,
      async query(query) {
        refusals -= 1;
        if (refusals >= 0) throw new EvidentError("not_ready", "the index is being started again");
        return search.query(query);
      },
    };
    expect(await run({ search: restarting })).toMatchObject({ end: "complete", entries: 50 });
    const broken: Search = { ...search, query: () => Promise.reject(new EvidentError("internal", "gone")) };
    expect(await run({ search: broken })).toMatchObject({ end: "failed", entries: 0 });
  });

  it("ends when the server stops", async () => {
    expect(await run({ stopping: AbortSignal.abort() })).toMatchObject({ end: "stopping", entries: 0 });
  });
});
