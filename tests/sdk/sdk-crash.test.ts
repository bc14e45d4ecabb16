import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  freePort,
  makeTemporaryDirectory,
  type RunningServer,
  readCheckpoint,
  readPublished,
  startServer,
} from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installApps, oldestNode, type SdkApp, startApp } from "./sdk-app.ts";

const isSoak = process.env.EVIDENT_SOAK === "1";
/** Time of each phase of the load; the long form has more of them. */
const phaseMs = isSoak ? 5_000 : 700;
const appKills = isSoak ? 6 : 2;
const TIMEOUT_MS = isSoak ? 600_000 : 60_000;
const SOURCE = "shop-app";

interface StoredEvent {
  readonly id: string;
  readonly action: { readonly op: string; readonly name: string };
  readonly outcome: { readonly status: string; readonly code?: string };
  readonly resources: readonly { readonly type: string; readonly id: string }[];
  readonly origin: { readonly nativeId: string; readonly seq: string };
  readonly detail?: { readonly unfinished?: readonly { readonly id: string }[]; readonly state?: string };
}

const folder = makeTemporaryDirectory("sdk-apps");
let server: RunningServer;
const dataDir = join(folder.path, "data");

beforeAll(async () => {
  installApps(folder.path);
  server = await startServer({ dataDir });
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

async function call(path: string, body: object): Promise<{ readonly key: string }> {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { key: string };
}

/** Every event of a trail, in order, from its entries: what a search might miss or repeat shows here. */
async function storedEvents(
  trail: string,
): Promise<{ readonly events: readonly StoredEvent[]; readonly others: number }> {
  const where = { url: server.url, key: server.adminKey, trail };
  await sleep(1_200);
  const { size } = await readCheckpoint(where);
  const entries = await readPublished(where, 0, size);
  const parsed = entries.map(
    (entry) => JSON.parse(new TextDecoder().decode(entry)) as { kind: string; event?: StoredEvent },
  );
  const events = parsed.flatMap(({ event }) => event ?? []);
  return { events, others: parsed.length - events.length };
}

const paths = ["/patients/p-17", "/slow/s-1", "/patients/p-18?token=secret", "/broken/b-1", "/nowhere/else"];

/** Requests from several clients until stopped, whatever comes of them. */
function startRequests(url: string): { stop(): Promise<void> } {
  const over = new AbortController();
  const client = async (place: number): Promise<void> => {
    for (let count = place; !over.signal.aborted; count += 1) {
      const path = paths[count % paths.length] ?? "/";
      const init = count % 4 === 3 ? { method: "POST", body: "" } : {};
      const target = count % 4 === 3 ? "/patients" : path;
      try {
        const answer = await fetch(`${url}${target}`, { ...init, headers: { "x-user": `u-${place}` } });
        await answer.arrayBuffer();
      } catch {
        await sleep(20);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 4 }, (_, place) => client(place)));
  return {
    stop: async () => {
      over.abort();
      await clients;
    },
  };
}

function idsSaid(said: readonly string[], word: string): readonly string[] {
  return said.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
}

/** Kills the server during the load of the first run, and the application at the end of each run but the last. */
async function runLife(
  name: string,
  key: string,
): Promise<{ readonly said: readonly string[]; readonly exits: readonly (number | null)[] }> {
  const said: string[] = [];
  const exits: (number | null)[] = [];
  const port = await freePort();
  const node = oldestNode().path;
  const start = (): Promise<SdkApp> => startApp({ folder: folder.path, name, port, evidentUrl: server.url, key, node });
  for (let run = 0; run <= appKills; run += 1) {
    const app = await start();
    const load = startRequests(app.url);
    await sleep(phaseMs);
    if (run === 0) {
      await server.kill();
      await sleep(phaseMs);
      server = await startServer({ dataDir, port: Number(new URL(server.url).port) });
      await sleep(phaseMs);
    }
    if (run === appKills) await load.stop();
    exits.push(await app.end(run === appKills ? "SIGTERM" : "SIGKILL"));
    await load.stop();
    said.push(...app.said());
  }
  return { said, exits };
}

describe(`no event that was accepted is lost or stored twice, on Node ${oldestNode().version}`, () => {
  it.each(["express", "fastify", "hono", "next"])(
    "in an application with %s, with server and application killed under load",
    async (name) => {
      await call("/v1/trails", { name: `sdk-${name}` });
      const { key } = await call("/v1/keys", { role: "producer", sources: [SOURCE], trails: [`sdk-${name}`] });
      const { said, exits } = await runLife(name, key);
      const { events, others } = await storedEvents(`sdk-${name}`);
      expect(others).toBe(0);
      expect([exits.at(-1), said.at(-1)]).toEqual([0, "closed flushed"]);

      const stored = events.map(({ id }) => id);
      const accesses = new Set(events.filter(({ action }) => !action.name.startsWith("evident.")).map(({ id }) => id));
      const accepted = idsSaid(said, "accepted");
      expect(stored.length).toBe(new Set(stored).size);
      expect(accepted.length).toBeGreaterThan(100);
      expect(accepted.filter((id) => !accesses.has(id))).toEqual([]);

      // Of what begun and was not accepted, each is either stored (killed between the write and the word) or named in a report.
      const reports = events.filter(({ action }) => action.name === "evident.process_ended");
      const unfinished = new Set(reports.flatMap(({ detail }) => detail?.unfinished?.map(({ id }) => id) ?? []));
      expect(reports).toHaveLength(appKills);
      expect(idsSaid(said, "begun").filter((id) => !accesses.has(id) && !unfinished.has(id))).toEqual([]);
      expect([...unfinished].filter((id) => accesses.has(id))).toEqual([]);
      expect(unfinished.size).toBeGreaterThan(0);

      // No hole in any process's sequence numbers.
      const seqs = Map.groupBy(events, ({ origin }) => origin.nativeId.split("/")[0] ?? "");
      expect(seqs.size).toBe(exits.length);
      for (const each of seqs.values()) {
        expect(new Set(each.map(({ origin }) => origin.seq)).size).toBe(each.length);
        expect(Math.max(...each.map(({ origin }) => Number(origin.seq)))).toBe(each.length);
      }

      expect(JSON.stringify(events)).not.toContain("secret");
      const kinds = new Set(
        events.map(({ action, outcome, resources }) =>
          [action.op, action.name, outcome.code, resources[0]?.id].join(" "),
        ),
      );
      const patient = name === "next" ? "/patients/[id]" : "/patients/:id";
      expect([...kinds]).toEqual(
        expect.arrayContaining([`READ GET ${patient} 200 p-17`, "CREATE POST /patients 201 /patients"]),
      );
      expect([...kinds].some((kind) => kind.startsWith("READ GET /broken/") && kind.includes(" 500 b-1"))).toBe(true);
      expect(kinds.has("READ GET (unmatched) 404 (unmatched)")).toBe(name !== "next");
    },
    TIMEOUT_MS,
  );
});
