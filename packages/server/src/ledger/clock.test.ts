import { describe, expect, it } from "vitest";
import { ReceivedClock } from "./clock.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

function makeClock(lastMs = 0) {
  const time = { wallMs: START, monotonicMs: 0 };
  const steps: [number, number][] = [];
  const source = { wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs };
  const clock = new ReceivedClock(source, lastMs, (fromMs, toMs) => steps.push([fromMs, toMs]));
  const pass = (ms: number): void => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  return { time, steps, clock, pass };
}

describe("the received clock", () => {
  it("follows the wall clock while it agrees with the monotonic one", () => {
    const { clock, pass, steps } = makeClock();
    pass(1_500);
    expect(clock.now()).toBe("2026-01-01T00:00:01.500000000Z");
    expect(steps).toEqual([]);
    expect(clock.state()).toEqual({ kind: "steady" });
  });

  it("goes on with monotonic time when the wall clock steps back, and says so once", () => {
    const { clock, time, pass, steps } = makeClock();
    pass(1_000);
    expect(clock.nowMs()).toBe(START + 1_000);
    time.wallMs -= 3_600_000;
    pass(500);
    expect(clock.nowMs()).toBe(START + 1_500);
    pass(500);
    expect(clock.nowMs()).toBe(START + 2_000);
    expect(steps).toHaveLength(1);
    expect(clock.state().kind).toBe("holding");
  });

  it("loses no fraction while it holds, however often it is asked, so that it agrees with a wall clock that is right again", () => {
    const { clock, time, pass, steps } = makeClock();
    time.wallMs += 3_600_000;
    for (let i = 0; i < 20_000; i += 1) {
      pass(1.7);
      clock.nowMs();
    }
    expect(clock.nowMs()).toBe(START + 34_000);
    expect(clock.state().kind).toBe("holding");
    time.wallMs -= 3_600_000;
    clock.nowMs();
    expect(clock.state().kind).toBe("steady");
    expect(steps).toHaveLength(1);
  });

  it("does not follow a jump of more than five minutes ahead", () => {
    const { clock, time, pass, steps } = makeClock();
    time.wallMs += 6 * 60_000;
    pass(1_000);
    expect(clock.nowMs()).toBe(START + 1_000);
    expect(steps).toHaveLength(1);
  });

  it("follows small corrections and never goes back with them", () => {
    const { clock, time, pass, steps } = makeClock();
    pass(1_000);
    expect(clock.nowMs()).toBe(START + 1_000);
    time.wallMs -= 300;
    expect(clock.nowMs()).toBe(START + 1_000);
    time.wallMs += 60_000;
    expect(clock.nowMs()).toBe(START + 60_700);
    expect(steps).toEqual([]);
  });

  it("returns to the wall clock when both agree again", () => {
    const { clock, time, pass } = makeClock();
    time.wallMs += 600_000;
    pass(1_000);
    clock.nowMs();
    time.wallMs -= 600_000;
    pass(1_000);
    expect(clock.nowMs()).toBe(START + 2_000);
    expect(clock.state().kind).toBe("steady");
  });

  it("jumps ahead when an operator confirms, and stands still until a confirmed earlier clock has caught up", () => {
    const { clock, time, pass } = makeClock();
    time.wallMs += 600_000;
    pass(1_000);
    clock.nowMs();
    clock.confirm();
    expect(clock.nowMs()).toBe(START + 601_000);
    time.wallMs -= 60_000;
    pass(1_000);
    expect(clock.nowMs()).toBe(START + 602_000);
    clock.confirm();
    pass(10_000);
    expect(clock.nowMs()).toBe(START + 602_000);
    pass(60_000);
    expect(clock.nowMs()).toBe(START + 612_000);
  });

  it("goes on from the last stored time when it starts with a wall clock that is behind", () => {
    const { clock, pass, steps } = makeClock(START + 86_400_000);
    pass(2_000);
    expect(clock.nowMs()).toBe(START + 86_402_000);
    expect(steps).toHaveLength(1);
  });

  it("never decreases, whatever the wall clock does", () => {
    const { clock, time, pass } = makeClock();
    let last = 0;
    let seed = 7;
    for (let i = 0; i < 5_000; i += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      pass(seed % 50);
      if (seed % 11 === 0) time.wallMs += ((seed % 2_001) - 1_000) * 1_000;
      if (seed % 97 === 0) clock.confirm();
      const now = clock.nowMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});
