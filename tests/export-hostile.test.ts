import { readdirSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { errors } from "@evident/core";
import { type EvidentRun, makeTemporaryDirectory, runEvident } from "@evident/testkit";
import { describe, expect, it } from "vitest";

describe("an export from something that is no Evident server", () => {
  async function exportFrom(answer: RequestListener): Promise<EvidentRun> {
    const other = createServer(answer);
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    using directory = makeTemporaryDirectory("export-hostile");
    const result = await runEvident(["export", "-o", "other.ndjson"], { cwd: directory.path, url, key: "k" });
    other.closeAllConnections();
    other.close();
    expect(readdirSync(directory.path)).toEqual([]);
    return result;
  }
  const headers = { "evident-export-snapshot": "2026-03-01T00:00:00.000Z,main:5" };
  const line = '{"trail":"main","index":0,"entry":{"v":1}}\n';

  it("fails, whatever it sends", async () => {
    const count = await exportFrom((_, response) =>
      response.writeHead(200, headers).end(`${line}{"end":{"complete":true,"entries":2}}\n`),
    );
    expect([count.code, count.stderr]).toEqual([errors.malformed.exit, expect.stringContaining("the server sent 2")]);
    const page = await exportFrom((_, response) => response.writeHead(200).end("<html>"));
    expect(page.code).toBe(errors.unreachable.exit);
    const long = await exportFrom((_, response) => response.writeHead(200, headers).end("x".repeat(2_000_000)));
    expect(long.code).toBe(errors.malformed.exit);
    const broken = await exportFrom((_, response) => response.writeHead(200, headers).end(`${line}{"trail":\n`));
    expect(broken.code).toBe(errors.malformed.exit);
  });
});
