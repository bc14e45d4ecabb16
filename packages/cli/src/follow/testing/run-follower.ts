import { HttpClient } from "../../client/index.ts";
import { openFormat, type Refusal, Tally } from "../../ingest/index.ts";
import { FollowState } from "../follow-state.ts";
import { Follower, type FollowerOptions } from "../follower.ts";

/** So short that a test of many lives takes seconds. */
const timing = { pollMs: 2, scanMs: 4, settleMs: 10, recordsMs: 60, lineMs: 60 };
/** A run that is to end by itself and does not in so many rounds never will. */
const MOST_ROUNDS = 20_000;

class Crash extends Error {}

/** What a run of a follower has said. */
export interface FollowerRun {
  readonly news: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly counts: Tally["counts"];
}

/** Where a follower runs, and whose events it sends. */
export interface FollowerPlace {
  readonly url: string;
  readonly key: string;
  /** Path of the state. */
  readonly state: string;
  readonly source: string;
}

/** What a test may choose; the rest is as `evident follow --once` has it. */
export type FollowerRunOptions = Partial<FollowerOptions> & {
  readonly wrapping?: FollowerOptions["reading"]["wrapping"];
  readonly format?: string;
  /** It dies after so many rounds, and what is under way with it. */
  readonly crashAfter?: number;
};

/** Runs a follower in this process, over absolute patterns, until everything there is stored or it crashes. */
export async function runFollower(
  place: FollowerPlace,
  patterns: readonly string[],
  { crashAfter = Number.POSITIVE_INFINITY, format = "combined", wrapping = "none", ...more }: FollowerRunOptions = {},
): Promise<FollowerRun> {
  const news: string[] = [];
  const refusals: Refusal[] = [];
  const tally = new Tally((refusal) => refusals.push(refusal));
  const client = new HttpClient({ url: new URL(place.url), key: place.key, userAgent: "test" });
  const state = new FollowState(place.state, "here");
  let rounds = 0;
  const follower = new Follower({
    patterns,
    state,
    reading: { format: openFormat({ format, option: [], source: place.source }, "/"), wrapping, stream: undefined },
    isFromEnd: false,
    isOnce: true,
    lineAfterMs: undefined,
    timing,
    client,
    trail: undefined,
    tally,
    signal: new AbortController().signal,
    onNews: (_kind, text) => news.push(text),
    onWait: () => undefined,
    onProgress: () => {
      rounds += 1;
      if (rounds > crashAfter) throw new Crash("crash");
      if (rounds > MOST_ROUNDS) throw new Error(`it does not end: ${JSON.stringify(follower.files())}`);
    },
    ...more,
  });
  try {
    await follower.run();
  } catch (cause) {
    if (!(cause instanceof Crash)) throw cause;
  } finally {
    client.close();
    state.close();
  }
  return { news, refusals, counts: tally.counts };
}
