import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChildTask } from "./child-process.ts";
import { type Distribution, distributionOf } from "./measure.ts";

const NEWLINE = 0x0a;
const STORED = '{"status":"stored"}\n';
/** One line in so many is timed. */
const SAMPLE = 50;

/** What arrived at a server that takes everything at once. */
export interface SinkResult {
  readonly perSecond: number;
  /** From the write of a line until its body had arrived, ms. */
  readonly lagMs: Distribution;
}

/** Answers every line as stored, and ends after as many as `input` says. Tells its URL. */
export const followSinkTask: ChildTask = async (input, tell) => {
  const wanted = Number(input);
  const lags: number[] = [];
  let lines = 0;
  let firstMs = 0;
  const done = Promise.withResolvers<number>();
  const server = createServer((request, answer) => {
    const parts: Buffer[] = [];
    firstMs ||= performance.now();
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      let count = 0;
      for (let at = body.indexOf(NEWLINE), start = 0; at >= 0; start = at + 1, at = body.indexOf(NEWLINE, start)) {
        count += 1;
        if (count % SAMPLE !== 1) continue;
        const written = /\/w\/(\d+)\//.exec(body.toString("latin1", start, at))?.[1];
        lags.push(Date.now() - Number(written));
      }
      lines += count;
      answer.end(STORED.repeat(count));
      if (lines >= wanted) done.resolve(performance.now() - firstMs);
    });
  });
  server.listen(0, "127.0.0.1", () => tell(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  const tookMs = await done.promise;
  // The last answer is on its way.
  await new Promise((resolve) => {
    setTimeout(resolve, 500);
  });
  server.closeAllConnections();
  return { perSecond: (lines * 1_000) / tookMs, lagMs: distributionOf(lags) } satisfies SinkResult;
};
