import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryDirectory, serveStore } from "@evident/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineOf, readStored, rotateLog, runFollower } from "./testing/index.ts";

const isSoak = process.env["EVIDENT_SOAK"] === "1";

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("write" as const), lines: fc.nat(40), cut: fc.nat(60) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("rename" as const, "copytruncate" as const, "gz" as const) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("crash" as const), rounds: fc.nat(12) }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

describe("Follower", () => {
  it("stores every line once, whatever happens to file and follower", { timeout: 1_800_000 }, async () => {
    using directory = makeTemporaryDirectory("follower");
    await using server = await serveStore(directory.path);
    let runs = 0;
    const check = async (steps: readonly Step[]): Promise<void> => {
      runs += 1;
      const source = `source-${runs}`;
      const logs = join(directory.path, source);
      mkdirSync(logs);
      const path = join(logs, "a.log");
      writeFileSync(path, "");
      const place = { url: server.url, key: server.adminKey, state: join(logs, "state.sqlite"), source };
      await runFollower(place, [path]);
      const written: string[] = [];
      let open = "";
      const finishLine = (): void => {
        appendFileSync(path, open);
        open = "";
      };
      for (const each of steps) {
        if (each.kind === "write") {
          finishLine();
          const paths = Array.from({ length: each.lines + 1 }, (_, at) => `/${written.length + at}`);
          const text = paths.map(lineOf).join("");
          appendFileSync(path, text.slice(0, text.length - each.cut));
          open = text.slice(text.length - each.cut);
          written.push(...paths);
        } else if (each.kind === "crash") {
          await runFollower(place, [path], { crashAfter: each.rounds, isOnce: false });
        } else {
          finishLine();
          rotateLog(path, each.kind);
        }
      }
      finishLine();
      const { counts, news } = await runFollower(place, [path]);
      expect({ quarantined: counts.quarantined, news }).toMatchObject({ quarantined: 0 });
      expect(await readStored({ ...place })).toEqual(written.sort());
    };
    const arbitrary = fc.array(step, { minLength: 4, maxLength: 25 });
    await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: isSoak ? 400 : 12 });
  });
});
