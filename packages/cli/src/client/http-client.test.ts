import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HttpClient } from "./http-client.ts";

const silent = createServer(() => undefined);

beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  silent.closeAllConnections();
  silent.close();
});

it("gives a server up that takes a request and says nothing", async () => {
  const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const client = new HttpClient({ url, userAgent: "test" });
  await expect(client.json({ path: "/v1/trails", silenceMs: 50 })).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("no answer in time"),
  });
  client.close();
});
