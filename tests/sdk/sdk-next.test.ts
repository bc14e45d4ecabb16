import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, makeTemporaryDirectory, readCheckpoint, readPublished, startServer } from "@evident/testkit";
import { describe, expect, it } from "vitest";
import { packSdk } from "../../scripts/pack-sdk.ts";
import { oldestNode } from "./sdk-app.ts";

/** Next.js weighs more than this repository; it is installed from the registry only for the long form. */
const isSoak = process.env.EVIDENT_SOAK === "1";
const NEXT = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"];
const TIMEOUT_MS = 900_000;

const files: Readonly<Record<string, string>> = {
  "package.json": '{"name":"next-app","private":true,"type":"module"}',
  "app/layout.js": "export default function Layout({ children }) { return <html><body>{children}</body></html>; }",
  "app/page.js": "export default function Page() { return <p>x</p>; }",
  "lib/evident.js": readFileSync(join(import.meta.dirname, "next-evident.mjs.txt"), "utf8"),
  "app/api/patients/[id]/route.js": `
    import { notFound, redirect } from "next/navigation";
    import { audited } from "../../../../lib/evident.js";
    export const GET = audited("/api/patients/[id]", async (_request, { params }, access) => {
      const { id } = await params;
      access.label("phi");
      if (id === "moved") redirect("/elsewhere");
      if (id === "none") notFound();
      if (id === "broken") throw new RangeError("secret");
      return Response.json({ id });
    });`,
};

interface StoredEvent {
  readonly actor: { readonly id: string };
  readonly action: { readonly name: string };
  readonly resources: readonly { readonly id: string }[];
  readonly outcome: { readonly status: string; readonly code?: string };
}

async function startNext(
  folder: string,
  node: string,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const cli = join(folder, "node_modules/next/dist/bin/next");
  const child = spawn(node, [cli, "start", "-p", String(port), "-H", "127.0.0.1"], {
    cwd: folder,
    env: { PATH: process.env.PATH, NEXT_TELEMETRY_DISABLED: "1", ...env },
    stdio: "ignore",
  });
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer?.ok === true) return child;
    await sleep(100);
  }
  throw new Error("Next.js did not start");
}

async function storedEvents(url: string, key: string): Promise<readonly StoredEvent[]> {
  const where = { url, key, trail: "main" };
  const { size } = await readCheckpoint(where);
  return (await readPublished(where, 0, size)).flatMap((entry) => {
    const { event } = JSON.parse(new TextDecoder().decode(entry)) as { event?: StoredEvent };
    return event ?? [];
  });
}

const ended = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => {
    child.once("close", resolve);
    child.kill("SIGKILL");
  });

describe.runIf(isSoak)("route handlers in Next.js itself", () => {
  it(
    "are recorded once each, with Next.js and the server killed",
    async () => {
      using directory = makeTemporaryDirectory("sdk-next");
      const app = join(directory.path, "app");
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(app, name)), { recursive: true });
        writeFileSync(join(app, name), text);
      }
      const tarball = join(directory.path, "sdk.tgz");
      packSdk(tarball);
      execFileSync("npm", ["install", "--no-audit", "--no-fund", ...NEXT, tarball], { cwd: app, stdio: "pipe" });
      const node = oldestNode().path;
      const dataDir = join(directory.path, "data");
      let server = await startServer({ dataDir });
      const env = { EVIDENT_URL: server.url, EVIDENT_KEY: "" };
      const made = await fetch(`${server.url}/v1/keys`, {
        method: "POST",
        headers: { authorization: `Bearer ${server.adminKey}`, "content-type": "application/json" },
        body: JSON.stringify({ role: "producer", name: "next-app" }),
      });
      env.EVIDENT_KEY = ((await made.json()) as { key: string }).key;
      execFileSync(node, [join(app, "node_modules/next/dist/bin/next"), "build"], {
        cwd: app,
        env: { PATH: process.env.PATH, NEXT_TELEMETRY_DISABLED: "1" },
        stdio: "pipe",
      });
      expect(existsSync(join(app, ".evident-spool"))).toBe(false);

      const port = await freePort();
      let next = await startNext(app, node, port, env);
      const answered: string[] = [];
      const ask = async (id: string): Promise<number> => {
        const headers = { "x-user": "ada", "x-forwarded-for": "203.0.113.9" };
        const answer = await fetch(`http://127.0.0.1:${port}/api/patients/${id}?token=secret`, {
          headers,
          redirect: "manual",
        });
        await answer.arrayBuffer();
        answered.push(id);
        return answer.status;
      };
      expect([await ask("moved"), await ask("none"), await ask("broken")]).toEqual([307, 404, 500]);
      for (let count = 0; count < 300; count += 1) {
        if (count === 100) await server.kill();
        if (count === 200) server = await startServer({ dataDir, port: Number(new URL(server.url).port) });
        if (count === 150) {
          await ended(next);
          next = await startNext(app, node, port, env);
        }
        expect(await ask(`p-${count}`)).toBe(200);
      }
      let accesses: readonly StoredEvent[] = [];
      let events: readonly StoredEvent[] = [];
      for (let tries = 0; tries < 60 && accesses.length < answered.length; tries += 1) {
        await sleep(500);
        events = await storedEvents(server.url, server.adminKey);
        accesses = events.filter(({ action }) => action.name === "GET /api/patients/[id]");
      }
      await ended(next);
      expect(accesses.map(({ resources: [resource] }) => resource?.id)).toEqual(answered);
      expect(accesses.slice(0, 3).map(({ outcome }) => [outcome.status, outcome.code])).toEqual([
        ["success", "307"],
        ["failure", "404"],
        ["failure", "500"],
      ]);
      expect(accesses[3]).toMatchObject({
        actor: { id: "ada" },
        source: { ip: "203.0.113.9", ipTrust: "forwarded" },
        labels: ["phi"],
      });
      expect(events.filter(({ action }) => action.name === "evident.process_ended")).toHaveLength(1);
      expect(JSON.stringify(events)).not.toContain("secret");
      await server.stop();
    },
    TIMEOUT_MS,
  );
});
