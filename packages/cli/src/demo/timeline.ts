const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How much happens in each UTC hour of a working day. */
const workday = [2, 3, 3, 2, 2, 4, 10, 24, 38, 42, 44, 40, 30, 38, 42, 40, 34, 20, 9, 6, 5, 4, 3, 2] as const;
/** Working at weekends: the clinics' duty service and programs. */
const WEEKEND_SHARE = 0.28;

function weightAt(hourMs: number): number {
  const at = new Date(hourMs);
  const weight = workday[at.getUTCHours()] ?? 1;
  const isWeekend = at.getUTCDay() === 0 || at.getUTCDay() === 6;
  return isWeekend ? 2 + weight * WEEKEND_SHARE : weight;
}

/** Whether only programs and the night shift are at work. */
export function isNight(atMs: number): boolean {
  const hour = new Date(atMs).getUTCHours();
  return hour < 6 || hour >= 20;
}

/** Hours of a span with the number of events in each; the sum is exactly `count`. */
export function* spreadOverHours(
  startMs: number,
  days: number,
  count: number,
): Generator<{ readonly startMs: number; readonly count: number }> {
  const hours = days * 24;
  let total = 0;
  for (let hour = 0; hour < hours; hour += 1) total += weightAt(startMs + hour * HOUR_MS);
  let seen = 0;
  let given = 0;
  for (let hour = 0; hour < hours; hour += 1) {
    const atMs = startMs + hour * HOUR_MS;
    seen += weightAt(atMs);
    const due = hour === hours - 1 ? count : Math.round((count * seen) / total);
    yield { startMs: atMs, count: due - given };
    given = due;
  }
}

export { DAY_MS, HOUR_MS };
