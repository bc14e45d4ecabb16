import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import chromium, { inflate } from "@sparticuz/chromium";
import { type BrowserContext, chromium as driver } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

/** The libraries that the packaged browser needs, from its own package, where the machine lacks one. */
async function packagedLibraries(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const folder = await inflate(join(dirname(entry), "..", "bin", "al2023.tar.br"));
  return join(folder, "lib");
}

async function launch(profile: string, environment: Readonly<Record<string, string>>): Promise<BrowserContext> {
  return driver.launchPersistentContext(profile, {
    executablePath: await chromium.executablePath(),
    args: [...flags],
    env: { ...process.env, ...environment },
    viewport: { width: 1280, height: 900 },
  });
}

/**
 * Starts the packaged Chromium, headless, with a profile of its own that goes with it.
 * `await using` closes it at the end of the block.
 */
export async function startBrowser(): Promise<{
  readonly context: BrowserContext;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const profile = mkdtempSync(join(tmpdir(), "evident-browser-"));
  let context: BrowserContext;
  try {
    context = await launch(profile, {});
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("error while loading shared libraries")) throw error;
    context = await launch(profile, { LD_LIBRARY_PATH: await packagedLibraries() });
  }
  return {
    context,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
