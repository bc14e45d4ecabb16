import { parseSearch } from "@evident/core";
import { makeTemporaryDirectory } from "@evident/testkit";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { addressOf, LineLedger, naiveHits, naiveStats, openIndexed } from "./testing/index.ts";

// Few values, so that random searches meet random entries; awkward ones, so that the shortcuts are put to the test.
const words = [
  "alice",
  "Alice",
  "ALICE",
  "bob",
  "straße",
  "STRASSE",
  "Ελλάς",
  "ΕΛΛΑΣ",
  "drop",
  "table",
  "10.0.0.1",
  "K9",
];
const odd = [
  "a-b",
  "\u212a9",
  "i\u0307",
  "İ",
  "x\ny",
  'q"t',
  "tab\tz",
  "日本 語",
  "true",
  "1e3",
  "0",
  "{}",
  "a*b",
  "a?b",
  "back\\slash",
];
const word = fc.constantFrom(...words, ...odd);
const text = fc.oneof(
  word,
  fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" ")),
);
const ip = fc.constantFrom(
  "10.0.0.1",
  "10.0.0.2",
  "10.1.0.1",
  "192.0.2.7",
  "::1",
  "2001:db8::1",
  "::ffff:10.0.0.1",
  "0::5",
);
const status = fc.constantFrom("success", "denied", "failure");
const uuid = fc.constantFrom(
  "01890a5d-ac96-774b-bcce-b302099a8057",
  "01890A5D-AC96-774B-BCCE-B302099A8058",
  "not-a-uuid",
  "id1",
);
const instant = fc
  .tuple(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom("000000000", "000000001", "999999999"))
  .map(
    ([second, fraction]) =>
      `${new Date(Date.UTC(2026, 2, 1) + second * 1_000).toISOString().slice(0, 19)}.${fraction}Z`,
  );
const value = fc.oneof(text, fc.constantFrom(0, 1, 1_000, 1.5, -3), fc.boolean(), fc.constant(null));
const detail = fc.dictionary(
  fc.constantFrom("note", "size", "a.b", "k"),
  fc.oneof(value, fc.array(value, { maxLength: 2 })),
);

const event = fc.record(
  {
    v: fc.constant(1),
    id: uuid,
    time: fc.record({ occurred: instant, precision: fc.constant("ms") }),
    actor: fc.record(
      { type: fc.constantFrom("user", "service"), id: text, name: word },
      { requiredKeys: ["type", "id"] },
    ),
    action: fc.record({ op: fc.constantFrom("READ", "UPDATE"), name: text }),
    resources: fc.array(fc.record({ type: word, id: text }), { minLength: 1, maxLength: 3 }),
    outcome: fc.record({ status, code: fc.constantFrom("200", "403") }, { requiredKeys: ["status"] }),
    source: fc.record({ ip, userAgent: text }, { requiredKeys: [] }),
    trace: fc.record({ requestId: uuid }),
    labels: fc.array(word, { maxLength: 3 }),
    detail,
  },
  { requiredKeys: ["v", "id", "time", "actor", "resources", "outcome"] },
);
const entry = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ v: fc.constant(1), kind: fc.constant("event"), received: instant, sent: word, event }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("statement"),
      received: instant,
      statement: fc.record({ type: word, n: value }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("quarantine"),
      received: instant,
      classes: fc.array(word),
      quarantine: detail,
    }),
  },
);

const fields = [
  ..."actor.id actor.name action.name resources.id resources.type labels classes outcome.status kind trail index".split(
    " ",
  ),
  ..."source.userAgent id trace.requestId detail.note detail.size detail.a.b statement.type statement.n quarantine.id".split(
    " ",
  ),
];
const quoted = text.map((one) => `"${one.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
const pattern = word.chain((one) =>
  fc
    .tuple(fc.constantFrom("*", "?", ""), fc.nat(one.length), fc.constantFrom("*", "?", ""))
    .map(([head, cut, tail]) => `${head}${one.replaceAll(/[^\p{L}\p{N}.-]/gu, "?").slice(0, cut + 1)}${tail}`),
);
const term = fc.oneof(
  quoted,
  pattern,
  fc
    .tuple(fc.constantFrom(...fields), fc.oneof(quoted, pattern, fc.constant("*")))
    .map(([field, one]) => `${field}:${one}`),
  fc.constantFrom(
    "status:denied",
    "op:READ",
    "ip:10.0.0.0/8",
    "ip:::1",
    "ip:2001:db8::/32",
    "ip:::/0",
    "ip:0.0.0.0/0",
    "ip:10.0.*",
  ),
  fc.constantFrom(
    "time:>2026-03-01T00:20:00Z",
    "time:<=2026-03-01T00:10:00Z",
    "time.occurred:[2026-03-01T00:10:00Z TO 2026-03-01T00:20:00Z]",
  ),
  fc.constantFrom(
    "index:>5",
    "index:[3 TO 9]",
    "detail.size:>1",
    "kind:statement",
    "trail:one",
    "received:>2026-03-01T00:30:00Z",
  ),
);
const { search } = fc.letrec<{ search: string }>((tie) => ({
  search: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    term,
    tie("search").map((one) => `not (${one})`),
    fc
      .tuple(tie("search"), fc.constantFrom("and", "or"), tie("search"))
      .map(([one, how, two]) => `(${one}) ${how} (${two})`),
  ),
}));
const validSearch = search.filter((one) => parseSearch(one, { nowMs: 0 }).ok);

describe("the index", () => {
  it("finds and counts what a scan does, whatever entries and searches are", { timeout: 900_000 }, async () => {
    using dir = makeTemporaryDirectory("search");
    const trails = ["one", "two"];
    const ledger = new LineLedger();
    const lines = fc.sample(entry, { numRuns: 2_700, seed: 20_260_301 }).map((one) => JSON.stringify(one));
    for (const [at, line] of lines.entries()) ledger.commit(at % 5 === 0 ? "two" : "one", [line]);
    const index = await openIndexed(ledger, dir.path);
    await vi.waitFor(() => expect(index.counters()).toMatchObject({ segments: 2, hotRows: 652 }), 10_000);
    const range = fc.option(instant, { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        validSearch,
        range,
        range,
        fc.subarray(trails, { minLength: 1 }),
        async (text, from, to, chosen) => {
          const query = {
            text,
            trails: chosen,
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
          };
          const wanted = naiveHits(ledger, query);
          const page = await index.query({ ...query, limit: 10_000, order: "oldest" });
          expect(page.hits.map(addressOf)).toEqual(wanted.map(addressOf));
          const newest = await index.query({ ...query, limit: 20, order: "newest" });
          expect(newest.hits.map(addressOf)).toEqual(wanted.map(addressOf).reverse().slice(0, 20));
          const top = ["actor.id", "labels", "resources.type", "source.ip", "detail.note"];
          const stats = await index.stats({ ...query, intervalMs: 300_000, top, topLimit: 1_000 });
          const byName = (counts: readonly { value: string; count: number }[] = []): unknown =>
            Object.fromEntries(counts.map(({ value: name, count }) => [name, count]));
          const naive = naiveStats(wanted, 300_000, top, 1_000);
          expect(stats.count).toBe(naive.count);
          expect(stats.buckets).toEqual(naive.buckets);
          for (const field of top) expect(byName(stats.top[field])).toEqual(byName(naive.top[field]));
        },
      ),
      { numRuns: process.env["EVIDENT_SOAK"] === "1" ? 2_000 : 250, endOnFailure: false },
    );
    for (const id of ["id1", "01890a5d-ac96-774b-bcce-b302099a8057", "not-a-uuid", "ID1", "none"]) {
      const found = await index.find(id, trails);
      const all = naiveHits(ledger, { trails }).reverse();
      const same = all.filter((hit) => (hit.entry["event"] as { id?: string } | undefined)?.id === id);
      expect(found.map(addressOf)).toEqual(same.map(addressOf));
    }
    expect((await index.reconcile({ full: true })).agrees).toBe(true);
    await index.close();
  });
});
