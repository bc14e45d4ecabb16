import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { loadConfig, openServer, type Server } from "@evident/server";

const KEY = `evk_0123456789abcdef_${"A".repeat(43)}`;

type Entry = Record<string, unknown>;

/** A server of this process, with receivers, in a directory of the test's. */
export interface ReceivingServer {
  readonly server: Server;
  /** The administrator's key. */
  readonly key: string;
  /** Everything it logged so far. */
  logged(): string;
  /** The entries of a trail, in order. */
  entries(trail: string): Promise<readonly Entry[]>;
  size(trail: string): Promise<number>;
  /** Resolves when a trail has so many entries. @throws Error when it has not in time */
  waitForSize(trail: string, size: number, withinMs?: number): Promise<void>;
  /** A sample of `GET /metrics`, 0 when it is not there: `metric('evident_receiver_losses_total', 'why="busy"')`. */
  metric(name: string, labels?: string): Promise<number>;
}

/** Opens one; `config` is written as its configuration file. Several may follow each other in one directory. */
export async function openReceivingServer(directory: string, config: object): Promise<ReceivingServer> {
  const file = join(directory, "evident.yaml");
  const quick = { listen: "127.0.0.1:0", ledger: { publishIntervalMs: 50 } };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...quick, ...config }));
  let logged = "";
  const logTo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  const server = await openServer({
    config: loadConfig({ file, environment: {}, flags: {}, workingDirectory: directory }),
    version: "test",
    bootstrapKey: KEY,
    logTo,
  });
  const get = async (path: string): Promise<Response> => {
    const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const size = async (trail: string): Promise<number> =>
    ((await (await get(`/v1/trails/${trail}`)).json()) as { size: number }).size;
  return {
    server,
    key: KEY,
    logged: () => logged,
    size,
    async entries(trail) {
      const text = await (await get(`/v1/export?trail=${trail}`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith('{"trail":'));
      const found = lines.map((line) => JSON.parse(line) as { readonly index: number; readonly entry: Entry });
      return found.sort((left, right) => left.index - right.index).map(({ entry }) => entry);
    },
    async waitForSize(trail, wanted, withinMs = 20_000) {
      const deadlineMs = performance.now() + withinMs;
      for (let found = await size(trail); found < wanted; found = await size(trail)) {
        if (performance.now() > deadlineMs) throw new Error(`${trail} has ${found} entries, not ${wanted}:\n${logged}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async metric(name, labels = "") {
      const text = await (await get("/metrics")).text();
      const row = text.split("\n").find((line) => line.startsWith(`${name}{`) && line.includes(labels));
      return Number(row?.split(" ").at(-1) ?? 0);
    },
  };
}
