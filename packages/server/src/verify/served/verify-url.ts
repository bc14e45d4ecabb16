import { availableParallelism } from "node:os";
import { EvidentError } from "@evident/core";
import { RememberedHeads } from "../remembered-heads.ts";
import { Report } from "../report.ts";
import { StoreFacts, type TrailFacts } from "../store-facts.ts";
import type { FoundStatement } from "../tasks.ts";
import type { Anchor, VerifyOptions, VerifyReport } from "../types.ts";
import { abortable, runInPlace, WorkerPool } from "../worker-pool.ts";
import { type ListedTrail, listTrails } from "./list-trails.ts";
import { LogClient, type Patience } from "./log-client.ts";
import type { LogTransport } from "./log-transport.ts";
import { mapInOrder } from "./map-in-order.ts";
import { type PinnedTrail, pinTrail } from "./pin-trail.ts";
import type { ServedContext } from "./served-context.ts";
import { groupByOrigin, type Trust } from "./served-keys.ts";
import { type ServedTrailOutcome, type TrailSource, verifyServedTrail } from "./verify-served-trail.ts";

/** Below this the entries are hashed before threads would have started. */
const SMALL_ENTRIES = 50_000;
const PARALLEL_PINS = 4;

/** What `evident` states, once it was verified, and why it is believed. */
interface EvidentWord {
  readonly facts: StoreFacts;
  readonly trust: Trust;
}

/** How to verify a server. `keys` are genesis keys of one or several trails; those of `evident` lead to all that it states. */
export interface VerifyUrlOptions extends VerifyOptions {
  /**
   * Those of `keys` that may be of `evident`, where that is known: whoever holds another trail's key must not be able to make a whole
   * server of his own with it. Absent: any.
   */
  readonly evidentKeys?: readonly string[];
  /** Only these trails; absent: all that the key sees. */
  readonly trails?: readonly string[];
  /** How long to wait for a server that does not answer. */
  readonly patience?: Patience;
}

/**
 * Verifies a running server over its `tlog-tiles` endpoints, trusting nothing but genesis keys: every entry and every hash tile up to
 * the head that was fetched first, its signatures, changes of keys, the heads that `evident` recorded, and remembered heads. The
 * server may go on writing. What the key may not read is listed as unchecked. Reads only; writes nothing but the remembered heads,
 * and these only when nothing has failed. Memory stays bounded: 32 bytes for each 256 entries, beside a dozen bundles under way.
 *
 * @throws EvidentError `unreachable`, `unauthenticated`, `forbidden`, `overloaded` when the server does not let itself be verified,
 *   `not_found` for a trail that it does not show, `malformed` for a given key or a file of remembered heads that is none
 */
export async function verifyUrl(transport: LogTransport, options: VerifyUrlOptions): Promise<VerifyReport> {
  const remembered = options.rememberFile === undefined ? undefined : new RememberedHeads(options.rememberFile);
  const trusted = options.keys === undefined ? undefined : groupByOrigin(options.keys);
  const report = new Report();
  const ended = new AbortController();
  const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
  const client = new LogClient(transport, signal, options.patience);
  const listed = await listTrails(client, options.trails);
  const entries = listed.reduce((sum, { publishedSize }) => sum + publishedSize, 0);
  const width = options.workers ?? availableParallelism();
  const runner = abortable(entries < SMALL_ENTRIES ? runInPlace() : new WorkerPool(width), signal);
  const { onProgress = () => undefined, evidentKeys } = options;
  try {
    const context = { client, runner, report, remembered, trusted, evidentKeys, onProgress };
    const outcomes = await verifyTrails(context, listed, options.trails === undefined);
    if (!report.hasFailed()) {
      for (const { head } of outcomes) if (head !== undefined) remembered?.note(head.origin, head.remembered);
      remembered?.save();
    }
    return report.finish(anchorOfAll(listed, outcomes));
  } finally {
    ended.abort(new EvidentError("internal", "the verification has ended"));
    await runner.close();
  }
}

async function verifyTrails(
  context: ServedContext,
  listed: readonly ListedTrail[],
  isAll: boolean,
): Promise<ServedTrailOutcome[]> {
  const { client, report, trusted } = context;
  report.unchecked("the server's files (segments, log, blobs), which only a verification of its data directory reads");
  for (const origin of trusted?.keys() ?? []) {
    if (!listed.some((trail) => trail.origin === origin)) report.unchecked(`${origin}: no trail of it was looked at`);
  }
  // Heads that evident recorded are then never ahead of the heads that the others are verified up to.
  const [first, ...others] = listed;
  const pins = first === undefined ? [] : [await pinTrail(client, first, report)];
  const pin = (trail: ListedTrail): Promise<PinnedTrail | undefined> => pinTrail(client, trail, report);
  for await (const pinned of mapInOrder(others, PARALLEL_PINS, pin)) pins.push(pinned);
  const pinned = pins.filter((each) => each !== undefined);
  const outcomes: ServedTrailOutcome[] = [];
  let word: EvidentWord | undefined;
  for (const each of pinned) {
    if (each.listed.name === "evident") {
      const verified = await verifyEvident(context, each);
      outcomes.push(verified.outcome);
      word = verified.word;
    } else {
      outcomes.push(await verifyServedTrail(context, each, sourceOf(context, each, word)));
    }
  }
  if (isAll && word !== undefined) checkShown(context, listed, word.facts);
  return outcomes;
}

async function verifyEvident(
  context: ServedContext,
  pinned: PinnedTrail,
): Promise<{ readonly outcome: ServedTrailOutcome; readonly word: EvidentWord | undefined }> {
  const { report } = context;
  const facts = new StoreFacts();
  const fold = (statements: readonly FoundStatement[]): TrailFacts | undefined => {
    for (const statement of statements) facts.apply(statement);
    const own = facts.trails.get("evident");
    return own === undefined || own.generations.length === 0 ? undefined : own;
  };
  const outcome = await verifyServedTrail(context, pinned, { kind: "own", fold });
  const isWhole = !report.hasFailed("evident") && outcome.collector.found === pinned.head.size;
  if (!isWhole) return { outcome, word: undefined };
  for (const { index, detail } of facts.contradictions) {
    report.add({ trail: "evident", index, kind: "malformed", detail });
  }
  return { outcome, word: { facts, trust: outcome.trust } };
}

function sourceOf({ report }: ServedContext, { listed }: PinnedTrail, word: EvidentWord | undefined): TrailSource {
  if (word === undefined) {
    report.unchecked("keys and heads as evident states them, since it was not read, or is not whole");
    return { kind: "server" };
  }
  const facts = word.facts.trails.get(listed.name);
  if (facts !== undefined && facts.generations.length > 0) return { kind: "stated", facts, trust: word.trust };
  report.unchecked(`${listed.name}: its making, which evident does not state up to the head that it was verified to`);
  return { kind: "server" };
}

function checkShown({ report }: ServedContext, listed: readonly ListedTrail[], facts: StoreFacts): void {
  for (const name of facts.trails.keys()) {
    if (listed.some((trail) => trail.name === name)) continue;
    report.unchecked(`${name}: evident states this trail, but the server does not show it to this key`);
  }
}

/** The anchor of `evident`, which covers all that it states; without it the weakest of all. */
function anchorOfAll(listed: readonly ListedTrail[], outcomes: readonly ServedTrailOutcome[]): Anchor {
  const [first] = outcomes;
  const none = { kind: "none", size: 0 } as const;
  if (first === undefined || outcomes.length < listed.length) return none;
  if (listed[0]?.name === "evident") return first.anchor;
  return outcomes.reduce((weakest, { anchor }) => {
    if (weakest.kind === "none" || anchor.kind === "none") return none;
    return anchor.size < weakest.size ? anchor : weakest;
  }, first.anchor);
}
