import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { makeEvent, makeTemporaryDirectory, runEvident } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// Moves the cursor, sets the title, turns the direction, hides a letter.
const HOSTILE = "\u001b[2J\u001b]0;owned\u0007\u202e\u200b\u009b1m";

const directory = makeTemporaryDirectory("cli-hostile");
const cwd = directory.path;

const hit = {
  trail: `t${HOSTILE}`,
  index: 1,
  entry: {
    v: 1,
    kind: "event",
    received: HOSTILE,
    event: {
      time: { occurred: HOSTILE.repeat(3) },
      actor: { type: HOSTILE, id: HOSTILE, ns: HOSTILE },
      action: { op: HOSTILE, name: HOSTILE },
      resources: [{ type: { toString: 1, valueOf: 1 }, id: HOSTILE }, null, 5],
      outcome: { status: HOSTILE },
      source: { ip: HOSTILE },
    },
  },
};
const trail = { name: HOSTILE, tenant: HOSTILE, origin: HOSTILE, size: 1, publishedSize: 1, sealedSize: 1 };
const key = { id: HOSTILE, role: HOSTILE, tenant: HOSTILE, sources: [], trails: [HOSTILE], created: HOSTILE };
const verdict = {
  line: 1,
  id: HOSTILE,
  trail: HOSTILE,
  index: HOSTILE,
  status: "quarantined",
  reasons: [{ field: HOSTILE, problem: HOSTILE, fix: HOSTILE }],
};
const status = {
  version: HOSTILE,
  clock: { kind: HOSTILE, deltaMs: HOSTILE },
  pressure: { kind: HOSTILE },
  indexLag: HOSTILE,
  reconciliation: { agrees: false, trails: [{ trail: HOSTILE, ledger: 1, missing: HOSTILE, mismatched: 1 }] },
};
const problem = { code: "forbidden", detail: HOSTILE, fix: HOSTILE, errors: [{ field: HOSTILE, problem: HOSTILE }] };

/** Well-formed answers with hostile text in every place that takes text. */
function hostileAnswer(method: string, path: string): unknown {
  if (path === "/v1/events") return method === "POST" ? verdict : hit;
  if (path.startsWith("/v1/events/")) return hit;
  if (path === "/v1/stats") return { count: 1, top: { [HOSTILE]: [{ value: HOSTILE, count: 1 }] } };
  if (path === "/v1/trails" && method === "GET") return { trails: [{ ...trail, genesis: [], keys: [HOSTILE] }] };
  if (path.startsWith("/v1/trails")) return { ...trail, genesis: [HOSTILE], keys: [HOSTILE] };
  if (path === "/v1/keys" && method === "GET") return { keys: [key] };
  if (path.startsWith("/v1/keys")) return { ...key, key: HOSTILE, revoked: { at: HOSTILE } };
  return path === "/v1/status" ? status : problem;
}

const proof = `c2sp.org/tlog-proof@v1\nextra ${HOSTILE}\nindex 0\n\n${HOSTILE}\n1\nAAAA\n\n— ${HOSTILE} AAAA\n`;
const disposition = { "content-disposition": 'attachment; filename="main-1.tlog-proof"' };

function answerHostile({ method = "GET", url = "" }: IncomingMessage, answer: ServerResponse): void {
  const { pathname } = new URL(url, "http://server");
  if (pathname === "/v1/tail") {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write(`id: 1\n\ndata: ${JSON.stringify(hit)}\n\n`);
    setTimeout(() => answer.destroy(), 100);
  } else if (pathname.endsWith("/proof")) {
    answer.writeHead(200, disposition).end(proof);
  } else {
    answer.writeHead(200).end(`${JSON.stringify(hostileAnswer(method, pathname))}\n`);
  }
}

const closers: (() => void)[] = [];

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(() => {
  writeFileSync(join(cwd, "array.json"), JSON.stringify([makeEvent("one")]));
  writeFileSync(join(cwd, "lines.ndjson"), `${JSON.stringify(makeEvent("one"))}\n`);
});

afterAll(() => {
  for (const close of closers) close();
  directory[Symbol.dispose]();
});

/** Characters that act on a terminal or cannot be seen on it. */
function actives(text: string): readonly string[] {
  return text.match(/[^\P{C}\n]/gu) ?? [];
}

async function shown(url: string, line: string): Promise<{ readonly line: string; readonly code: number | null }> {
  const { code, stdout, stderr } = await runEvident(line.split(" "), { cwd, url, key: "evk_none" });
  expect({ line, actives: actives(stdout + stderr) }).toEqual({ line, actives: [] });
  expect({ line, stderr }).toEqual({ line, stderr: expect.not.stringContaining("a mistake in Evident") });
  return { line, code };
}

describe("a server that wants to harm its client", { timeout: 120_000 }, () => {
  it("reaches the terminal with no control character, through no verb", async () => {
    const url = await listen(answerHostile);
    for (const line of [
      "search x",
      "search x --json",
      "search --top actor.id",
      "show x",
      "show x --json",
      "tail",
      "prove x",
      "trails",
      "trails create payroll",
      "trails seal payroll",
      "keys",
      "keys create --role admin",
      "keys revoke 5f0c9a1b2c3d4e5f",
      "doctor",
      "demo --count 1",
      "ingest array.json",
      "ingest lines.ndjson",
      `verify ${url} --no-remember`,
    ]) {
      expect(await shown(url, line)).toMatchObject({ line, code: expect.any(Number) });
    }
  });

  it("does not keep a search with pages for ever", async () => {
    const url = await listen((_request, answer) => void answer.writeHead(200, { "evident-cursor": "again" }).end("\n"));
    expect(await shown(url, "search x --all")).toMatchObject({ code: 0 });
  });

  it.each([
    ["null", 200, "null"],
    ["{}", 200, "{}"],
    ["an escape sequence in HTML", 200, `<html>${HOSTILE}`],
    ["a failure in HTML", 500, `<html>${HOSTILE}`],
  ])("is named as no Evident server when it answers with %s", async (_name, code, body) => {
    const url = await listen((_request, answer) => void answer.writeHead(code, disposition).end(body));
    for (const line of [
      "search x",
      "search --count",
      "tail",
      "tail -f",
      "prove x",
      "trails",
      "keys",
      "ingest array.json",
    ])
      expect(await shown(url, line)).toEqual({ line, code: 21 });
    expect(await shown(url, "doctor")).toEqual({ line: "doctor", code: 1 });
    await shown(url, "search x --json");
  });
});

describe("where the administrator's key may go", () => {
  it("is an address of this machine, not a name that begins like one", async () => {
    mkdirSync(join(cwd, "data.keys"), { recursive: true });
    writeFileSync(join(cwd, "data.keys", "bootstrap-admin"), `evk_${"0".repeat(16)}_${"A".repeat(43)}\n`);
    const { stderr } = await runEvident(["trails", "--url", "http://127.evident.invalid:9"], {
      cwd,
      env: { EVIDENT_KEY: "" },
    });
    expect(stderr).toContain("is not encrypted");
    expect(stderr).not.toContain("administrator");
  });

  it("is told by certificates at an absolute path too", async () => {
    const file = join(cwd, "ca.pem");
    writeFileSync(file, "");
    const { code, stderr } = await runEvident(["trails", "--url", "https://127.0.0.1:9", "--ca", file], { cwd });
    expect({ code, stderr }).toMatchObject({ code: 21, stderr: expect.stringContaining("nothing listens there") });
  });
});
