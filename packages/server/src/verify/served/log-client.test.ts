import { EvidentError } from "@evident/core";
import { describe, expect, it } from "vitest";
import { LogClient, type Patience } from "./log-client.ts";
import type { ServedObject } from "./log-transport.ts";

const patience: Patience = { firstWaitMs: 1, longestWaitMs: 4, unreachableMs: 60, busyMs: 400 };
const answer = (status: number, body: object | string = "", retryAfterSeconds?: number): ServedObject => ({
  status,
  bytes: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
});

/** A client of a server that gives these answers in turn, the last one again and again. */
function clientOf(answers: readonly (ServedObject | Error)[], signal = new AbortController().signal) {
  const asked: number[] = [];
  const client = new LogClient(
    {
      fetchObject: async () => {
        const next = answers[Math.min(asked.length, answers.length - 1)] ?? new Error("no answer");
        asked.push(performance.now());
        if (next instanceof Error) throw next;
        return next;
      },
    },
    signal,
    patience,
  );
  return { client, asked };
}

const fetchFrom = (...answers: (ServedObject | Error)[]) => clientOf(answers).client.fetch("/x", 100);
const unreachable = new EvidentError("unreachable", "nothing listens there");

describe("fetching from a server", () => {
  it("tells what is there, absent, denied and broken apart", async () => {
    expect(await fetchFrom(answer(200, "bytes"))).toEqual({ kind: "found", bytes: Buffer.from("bytes") });
    expect(await fetchFrom(answer(404))).toEqual({ kind: "absent" });
    expect(await fetchFrom(answer(403))).toEqual({ kind: "denied" });
    const corrupt = answer(500, { code: "corrupt_store", detail: "a segment is gone" });
    expect(await fetchFrom(corrupt)).toEqual({ kind: "broken", why: "the server answers 500: a segment is gone" });
    expect(await fetchFrom(answer(500, "not JSON"))).toMatchObject({ kind: "broken" });
    await expect(fetchFrom(answer(401, { code: "unauthenticated", detail: "no such key" }))).rejects.toMatchObject({
      code: "unauthenticated",
      message: "no such key",
    });
    await expect(fetchFrom(answer(418))).rejects.toMatchObject({ code: "unreachable" });
  });

  it("tries again what is transient, and gives up in the end", async () => {
    const found = { kind: "found" };
    expect(await fetchFrom(answer(503), unreachable, answer(502), answer(504), answer(200))).toMatchObject(found);
    expect(await fetchFrom(answer(500), answer(200))).toMatchObject(found);
    await expect(fetchFrom(answer(502), unreachable)).rejects.toBe(unreachable);
    await expect(fetchFrom(answer(503, { code: "not_ready" }))).rejects.toMatchObject({ code: "not_ready" });
    await expect(fetchFrom(answer(429))).rejects.toMatchObject({ code: "overloaded" });
    await expect(fetchFrom(new TypeError("a mistake"))).rejects.toThrow(TypeError);
  });

  it("gives a server up at once that was never there", async () => {
    const startedMs = performance.now();
    await expect(fetchFrom(unreachable)).rejects.toBe(unreachable);
    expect(performance.now() - startedMs).toBeLessThan(40);
  });

  it("waits as long as it is told to, all its requests together", async () => {
    const { client, asked } = clientOf([answer(429, "", 0.2), answer(200)]);
    const first = client.fetch("/a", 100);
    await Promise.resolve();
    const startedMs = performance.now();
    await Promise.all([first, client.fetch("/b", 100), client.fetch("/c", 100)]);
    expect(performance.now() - startedMs).toBeGreaterThan(180);
    expect(asked.length).toBeLessThanOrEqual(4);
  });

  it("ends at once when it is given up", async () => {
    const stop = new AbortController();
    const { client } = clientOf([answer(429, "", 30)], stop.signal);
    const fetched = client.fetch("/x", 100);
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(fetched).rejects.toThrow("aborted");
    expect(stop.signal.aborted).toBe(true);
  });
});
