import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { packSdk } from "../scripts/pack-sdk.ts";
import { type Benchmark, type BenchmarkContext, type BenchmarkResult, flagOf } from "./benchmark.ts";
import { startChild } from "./child-process.ts";
import { type Distribution, spreadOf, whole } from "./measure.ts";
import type { SdkRun, SdkTaskInput } from "./sdk-record.ts";

const say = ({ p50, p99, max }: Distribution): string =>
  `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, most ${max.toFixed(0)} µs`;

/** The SDK as it is shipped: packed and unpacked, compiled JavaScript. */
function unpackSdk(directory: string): string {
  const tarball = join(directory, "sdk.tgz");
  const folder = join(directory, "sdk");
  mkdirSync(folder);
  packSdk(tarball);
  execFileSync("tar", ["xzf", tarball, "-C", folder, "--strip-components=1"]);
  return join(folder, "dist/index.js");
}

function report(runs: readonly SdkRun[]): BenchmarkResult {
  const middle = <Value>(of: (run: SdkRun) => Value): Value | undefined =>
    runs.toSorted((a, b) => a.record.p50 - b.record.p50).map(of)[Math.floor(runs.length / 2)];
  const ratio = spreadOf(runs.map(({ record, bare }) => record.p50 / bare.p50));
  const open = spreadOf(runs.map(({ begun, bare }) => begun.p50 / bare.p50));
  const rate = spreadOf(runs.map(({ eventsPerSecond }) => eventsPerSecond));
  const rows = (
    [
      ["record", middle(({ record }) => record)],
      ["begin, then record", middle(({ begun }) => begun)],
      ["bare loop", middle(({ bare }) => bare)],
    ] as const
  ).flatMap(([label, distribution]) => (distribution === undefined ? [] : [[label, say(distribution)] as const]));
  return {
    rows: [
      ...rows,
      [
        "beside the bare loop",
        `record takes ${ratio.median.toFixed(2)} times as long, begin and record ${open.median.toFixed(2)} times`,
      ],
      ["without a pause", `${whole(rate.median)} events/s, ${runs[0]?.eventBytes ?? 0} B each`],
      ["bare loop is", "JSON.stringify of the same event, fs.writeSync to a file"],
    ],
    data: { ratio, ratioOfBegun: open, eventsPerSecond: rate, each: runs },
  };
}

/** `npm run bench -- sdk`. */
export const sdk: Benchmark = {
  name: "sdk",
  summary: "Microseconds that record of the SDK takes on the caller's thread.",
  about: `The packed SDK records events into its spool, in bursts as an application under load does, while it syncs the spool and sends to a
server that answers at once, in another process. Baseline, in the same run: JSON.stringify of the same event and fs.writeSync to a file.`,
  flags: {
    events: { default: 200_000, summary: "Events a run." },
    warmup: { default: 20_000, summary: "Events before, not measured." },
    burst: { default: 50, summary: "Events between two turns of the event loop." },
  },
  async run(context: BenchmarkContext): Promise<BenchmarkResult> {
    const entry = unpackSdk(context.directory);
    const runs: SdkRun[] = [];
    for (let run = 0; run < context.runs; run += 1) {
      const server = startChild<never>("sdk-server", {});
      const input: SdkTaskInput = {
        entry,
        url: String(await server.told),
        directory: join(context.directory, `run-${run}`),
        events: flagOf(context, "events"),
        warmup: flagOf(context, "warmup"),
        burst: flagOf(context, "burst"),
      };
      mkdirSync(input.directory);
      const child = startChild<SdkRun>("sdk-record", input);
      runs.push(await child.result);
      await server.stop();
      context.say(`run ${run + 1}: ${say(runs.at(-1)?.record ?? ({} as Distribution))}`);
    }
    return report(runs);
  },
};
