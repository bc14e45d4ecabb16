import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDemoEvents } from "@evident/cli";
import type { ChildTask } from "./child-process.ts";
import { type Distribution, distributionOf } from "./measure.ts";

/** Where the load goes and how large it is. `rate` is events a second, 0 as fast as they are taken. */
export interface LoadInput {
  readonly url: string;
  readonly key: string;
  readonly events: number;
  readonly warmup: number;
  readonly batch: number;
  readonly connections: number;
  readonly rate: number;
  readonly singles: number;
}

/** What the clients saw. Times are milliseconds. */
export interface LoadResult {
  readonly events: number;
  readonly bytes: number;
  /** From the first byte sent to the last answer. */
  readonly answeredMs: number;
  /** From the first byte sent until every event was searchable. */
  readonly indexedMs: number;
  readonly requestMs: Distribution;
  /** Answers 429: sent again after Retry-After. */
  readonly refusals: number;
  /** Requests of one event, 20 a second, with nothing else going on. */
  readonly quietMs: Distribution;
  /** The same beside the load. */
  readonly busyMs: Distribution;
}

const SINGLE_EVERY_MS = 50;
const POLL_MS = 20;

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly text: string;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let text = "";
  for await (const part of response.setEncoding("utf8")) text += part as string;
  return { status: response.statusCode ?? 0, retryAfterMs: Number(response.headers["retry-after"] ?? 1) * 1_000, text };
}

class Client {
  readonly #input: LoadInput;
  readonly #agent: Agent;
  refusals = 0;

  constructor(input: LoadInput) {
    this.#input = input;
    this.#agent = new Agent({ keepAlive: true, maxSockets: input.connections + 1 });
  }

  /** Sends a body until it is taken. @returns milliseconds from the first try to the answer */
  async post(body: Buffer, type: string): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const answer = await this.#send("POST", "/v1/events?trail=main&answer=summary", body, type);
      if (answer.status === 200 || answer.status === 201) return performance.now() - startedMs;
      if (answer.status !== 429) throw new Error(`the server answered ${answer.status}: ${answer.text.slice(0, 500)}`);
      this.refusals += 1;
      await sleep(answer.retryAfterMs);
    }
  }

  /** Resolves when the index has caught up. */
  async indexed(): Promise<void> {
    for (;;) {
      const { text } = await this.#send("GET", "/readyz", undefined, "application/json");
      if ((JSON.parse(text) as { indexLag?: number }).indexLag === 0) return;
      await sleep(POLL_MS);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body: Buffer | undefined, type: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${this.#input.key}`,
        ...(body === undefined ? {} : { "content-type": type, "content-length": body.length }),
      };
      const sent = request(`${this.#input.url}${path}`, { method, agent: this.#agent, headers });
      sent.once("error", reject);
      sent.once("response", (response) => {
        readAnswer(response).then(resolve, reject);
      });
      sent.end(body);
    });
  }
}

/** Demo events as request bodies, made before anything is sent. */
function makeBodies(input: LoadInput): {
  readonly warm: Buffer[];
  readonly measured: Buffer[];
  readonly singles: Buffer[];
} {
  const { events, warmup, batch, singles } = input;
  const lines = makeDemoEvents({ count: warmup + events + 2 * singles, seed: 1 });
  const next = (): string => JSON.stringify(lines.next().value);
  const inBatches = (count: number): Buffer[] => {
    const bodies: Buffer[] = [];
    for (let at = 0; at < count; at += batch) {
      bodies.push(Buffer.from(`${Array.from({ length: Math.min(batch, count - at) }, next).join("\n")}\n`));
    }
    return bodies;
  };
  return {
    warm: inBatches(warmup),
    measured: inBatches(events),
    singles: Array.from({ length: 2 * singles }, () => Buffer.from(next())),
  };
}

async function sendAll(client: Client, bodies: readonly Buffer[], input: LoadInput): Promise<number[]> {
  const requestMs: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < bodies.length; at = next++) {
      const dueMs = input.rate === 0 ? 0 : ((at * input.batch) / input.rate) * 1_000;
      const waitMs = startedMs + dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      requestMs.push(await client.post(bodies[at] ?? Buffer.of(), "application/x-ndjson"));
    }
  };
  await Promise.all(Array.from({ length: input.connections }, work));
  return requestMs;
}

/** One event a request at a low rate, until all are sent or `isOver`. */
async function sendSingles(client: Client, bodies: readonly Buffer[], isOver: () => boolean): Promise<number[]> {
  const answerMs: number[] = [];
  for (const body of bodies) {
    if (isOver()) break;
    const startedMs = performance.now();
    answerMs.push(await client.post(body, "application/json"));
    await sleep(Math.max(0, startedMs + SINGLE_EVERY_MS - performance.now()));
  }
  return answerMs;
}

/** The clients' process: a warm-up, single events, the load with single events beside it, and the wait for the index. */
export const httpLoadTask: ChildTask = async (text, tell): Promise<LoadResult> => {
  const input = JSON.parse(text) as LoadInput;
  const { warm, measured, singles } = makeBodies(input);
  const client = new Client(input);
  await sendAll(client, warm, { ...input, rate: 0 });
  await client.indexed();
  const quietMs = await sendSingles(client, singles.slice(0, input.singles), () => false);
  tell("load begins");
  let isOver = false;
  const startedMs = performance.now();
  const beside = sendSingles(client, singles.slice(input.singles), () => isOver);
  const requestMs = await sendAll(client, measured, input);
  const answeredMs = performance.now() - startedMs;
  isOver = true;
  const busyMs = await beside;
  await client.indexed();
  const indexedMs = performance.now() - startedMs;
  client.close();
  return {
    events: input.events,
    bytes: measured.reduce((sum, body) => sum + body.length, 0),
    answeredMs,
    indexedMs,
    requestMs: distributionOf(requestMs),
    refusals: client.refusals,
    quietMs: distributionOf(quietMs),
    busyMs: distributionOf(busyMs),
  };
};
