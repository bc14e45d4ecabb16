import type { Facts } from "./read-facts.ts";
import { countNumber, type Sequence } from "./sequence.ts";

const MINUTE_MS = 60_000;
/** Minutes over which rate, lag and clock are given. */
export const WINDOW_MINUTES = 60;
const MAX_SAMPLES = 5;
const MAX_COUNTERS = 256;
const LAG_BUCKETS = 48;

/** A record in quarantine, with its first reason. */
export interface FailureSample {
  readonly index: number;
  readonly atMs: number;
  readonly why: string;
  readonly field: string;
  readonly problem: string;
}

/** One minute of a source, by the time of receipt. */
interface Minute {
  readonly minute: number;
  count: number;
  /** How many events came with a lag below 2^(i/2) ms, by i. */
  readonly lags: Record<number, number>;
  /** Least lag in ms, negative when events are dated ahead of our clock. */
  leastMs: number | null;
}

/** What is known of one source in one trail. Plain JSON data. */
export interface SourceState {
  readonly trail: string;
  readonly source: string;
  adapter: string;
  events: number;
  quarantined: Record<string, number>;
  duplicates: number;
  lossy: number;
  firstReceivedMs: number;
  lastReceivedMs: number;
  /** Newest time that an event states; null when none did. */
  lastOccurredMs: number | null;
  lastIndex: number;
  minutes: Minute[];
  samples: readonly FailureSample[];
  /** By counter, the one that came last at the end. */
  sequences: [counter: string, sequence: Sequence][];
}

/** The state of a source before its first entry. */
export function emptySource(trail: string, source: string): SourceState {
  return {
    trail,
    source,
    adapter: "",
    events: 0,
    quarantined: {},
    duplicates: 0,
    lossy: 0,
    firstReceivedMs: 0,
    lastReceivedMs: 0,
    lastOccurredMs: null,
    lastIndex: 0,
    minutes: [],
    samples: [],
    sequences: [],
  };
}

/** Adds an entry to the state of its source. */
export function foldFacts(state: SourceState, facts: Facts, index: number): void {
  const { receivedMs } = facts;
  if (state.firstReceivedMs === 0) state.firstReceivedMs = receivedMs;
  if (facts.adapter !== undefined && facts.adapter !== "") state.adapter = facts.adapter;
  if (facts.kind === "quarantine") {
    const { why, field, problem } = facts;
    state.quarantined[why] = (state.quarantined[why] ?? 0) + 1;
    state.samples = [...state.samples, { index, atMs: receivedMs, why, field, problem }].slice(-MAX_SAMPLES);
    return;
  }
  state.events += 1;
  state.lastReceivedMs = receivedMs;
  state.lastIndex = index;
  if (facts.lossy) state.lossy += 1;
  const minute = minuteOf(state, receivedMs);
  minute.count += 1;
  if (facts.occurredMs !== undefined) {
    state.lastOccurredMs = Math.max(state.lastOccurredMs ?? 0, facts.occurredMs);
    const lagMs = receivedMs - facts.occurredMs;
    const bucket = lagBucket(lagMs);
    minute.lags[bucket] = (minute.lags[bucket] ?? 0) + 1;
    minute.leastMs = Math.min(minute.leastMs ?? Number.POSITIVE_INFINITY, lagMs);
  }
  if (facts.seq !== undefined) foldNumber(state, facts.counter, facts.seq, receivedMs);
}

function minuteOf(state: SourceState, receivedMs: number): Minute {
  const minute = Math.floor(receivedMs / MINUTE_MS);
  const last = state.minutes.at(-1);
  if (last?.minute === minute) return last;
  const next: Minute = { minute, count: 0, lags: {}, leastMs: null };
  state.minutes = [...state.minutes.filter((each) => each.minute > minute - WINDOW_MINUTES), next];
  return next;
}

function foldNumber(state: SourceState, counter: string, seq: number, atMs: number): void {
  const last = state.sequences.at(-1);
  if (last?.[0] === counter) {
    last[1] = countNumber(last[1], seq, atMs);
    return;
  }
  const known = state.sequences.find(([name]) => name === counter);
  const others = state.sequences.filter(([name]) => name !== counter);
  state.sequences = [...others.slice(1 - MAX_COUNTERS), [counter, countNumber(known?.[1], seq, atMs)]];
}

/** Two buckets to an octave: lags are known to 20 %. */
function lagBucket(lagMs: number): number {
  if (lagMs < 1) return 0;
  return Math.min(LAG_BUCKETS * 2, Math.ceil(Math.log2(lagMs) * 2));
}

/** Quantiles and rates of the last hour; lags in ms. */
export interface RecentNumbers {
  readonly lastMinute: number;
  readonly lastHour: number;
  readonly lag: { readonly p50Ms: number; readonly p95Ms: number } | undefined;
  /** How far the source's clock is ahead of ours at least; 0 when nothing says so. */
  readonly clockAheadMs: number;
}

/** Numbers of the last full minute and the last hour before `nowMs`. */
export function recentNumbers({ minutes }: SourceState, nowMs: number): RecentNumbers {
  const now = Math.floor(nowMs / MINUTE_MS);
  const recent = minutes.filter(({ minute }) => minute > now - WINDOW_MINUTES);
  const lags = new Map<number, number>();
  let least = 0;
  for (const minute of recent) {
    for (const [bucket, count] of Object.entries(minute.lags)) {
      lags.set(Number(bucket), (lags.get(Number(bucket)) ?? 0) + count);
    }
    least = Math.min(least, minute.leastMs ?? 0);
  }
  return {
    lastMinute: recent.find(({ minute }) => minute === now - 1)?.count ?? 0,
    lastHour: recent.reduce((sum, { count }) => sum + count, 0),
    lag: lags.size === 0 ? undefined : { p50Ms: quantile(lags, 0.5), p95Ms: quantile(lags, 0.95) },
    clockAheadMs: Math.abs(least),
  };
}

function quantile(lags: ReadonlyMap<number, number>, share: number): number {
  const total = [...lags.values()].reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of [...lags].sort(([left], [right]) => left - right)) {
    seen += count;
    if (seen >= total * share) return Math.round(2 ** (bucket / 2));
  }
  return 0;
}
