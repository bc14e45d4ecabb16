import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTemporaryDirectory, startBrowser, startServer } from "@evident/testkit";
import { expect, it } from "vitest";

it("opens in a real browser without errors and without asking any other host", async () => {
  using directory = makeTemporaryDirectory("reference");
  await using server = await startServer({ dataDir: join(directory.path, "data") });
  await using browser = await startBrowser();
  const page = await browser.context.newPage();
  const errors: string[] = [];
  const outside: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(`${server.url}/`))
      outside.push(request.url());
  });
  const answer = await page.goto(`${server.url}/reference`, { waitUntil: "networkidle" });
  expect(answer?.status()).toBe(200);
  await page.getByText("/v1/events").first().waitFor({ timeout: 10_000 });
  expect({ errors, outside }).toEqual({ errors: [], outside: [] });
  const screenshot = join(mkdtempSync(join(tmpdir(), "evident-screenshot-")), "reference.png");
  await page.screenshot({ path: screenshot });
  expect(statSync(screenshot).size).toBeGreaterThan(10_000);
});
