import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError } from "@evident/core";
import { describe, expect, it } from "vitest";
import { LedgerFailure } from "./ledger-failure.ts";
import { RepeatedJobs } from "./repeated-jobs.ts";

describe("a repeated job", () => {
  it("that meets a full disk or a queue is done again the next time; any other failure ends the ledger", async () => {
    const failure = new LedgerFailure();
    const jobs = new RepeatedJobs(failure);
    const outcomes = ["storage_full", "overloaded", "storage_failed"] as const;
    let runs = 0;
    jobs.every(2, () => {
      const code = outcomes[runs] ?? "internal";
      runs += 1;
      return Promise.reject(new EvidentError(code, code));
    });
    await expect(failure.failed).resolves.toMatchObject({ code: "storage_failed" });
    await sleep(20);
    expect(runs).toBe(3);
    await jobs.stop();
  });

  it("is never beside itself, and a stop waits for it", async () => {
    const jobs = new RepeatedJobs(new LedgerFailure());
    let running = 0;
    let done = 0;
    jobs.every(1, async () => {
      running += 1;
      expect(running).toBe(1);
      await sleep(15);
      running -= 1;
      done += 1;
    });
    await sleep(20);
    await jobs.stop();
    expect(running).toBe(0);
    const before = done;
    await sleep(20);
    expect(done).toBe(before);
  });
});
