import type { Search } from "@evident/server";
import { TRAIL } from "./line-file.ts";
import { type EventStream, makeEvents, userId } from "./search-events.ts";

/** One kind of search: `run(n)` runs variant `n` and returns how many entries it found or counted. */
export interface SearchKind {
  readonly name: string;
  run(search: Search, variant: number): Promise<number>;
}

const DAY_MS = 86_400_000;
const trails = [TRAIL];

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}

/** Rank in a zipf-like choice of which one has about `wanted` events. */
function rankFor(wanted: number, count: number, of: number): number {
  return Math.min(of - 2, Math.max(0, Math.round(count / Math.log(of) / wanted) - 1));
}

interface MadeEvent {
  readonly event: { readonly trace: { readonly requestId: string }; readonly detail?: { readonly note: string } };
}

function eventAt({ line }: EventStream, index: number): MadeEvent["event"] {
  return (JSON.parse(line(index)) as MadeEvent).event;
}

function page(name: string, limit: number, text: (variant: number) => string, range: object = {}): SearchKind {
  return {
    name,
    async run(search, variant) {
      const query = { text: text(variant), trails, limit, order: "newest", ...range } as const;
      return (await search.query(query)).hits.length;
    },
  };
}

/** The kinds of search that are measured over `count` made events. */
export function searchKinds(count: number): readonly SearchKind[] {
  const stream = makeEvents(count);
  const { startMs, endMs } = stream;
  const busy = rankFor(1_000, count, 20_000);
  const quiet = rankFor(50, count, 20_000);
  const object = rankFor(600, count / 6, 200_000);
  const spread = (variant: number): number => Math.floor((((variant + 1) * 0.618) % 1) * count);
  const noted = (variant: number): number => Math.min(count - 1, Math.floor(spread(variant) / 10) * 10 + 3);
  const ticket = (variant: number): string => eventAt(stream, noted(variant)).detail?.note.split(" ")[1] ?? "none";
  const lastDay = { from: time(endMs - DAY_MS) };
  const month = { from: time(endMs - 30 * DAY_MS) };
  return [
    page("newest 50 of everything", 50, () => ""),
    page("newest 50 of a user with 1,000 events", 50, (n) => `actor.id:${userId(busy + n)}`),
    page("all 50 of a user with 50 events", 100, (n) => `actor.id:${userId(quiet + n)}`),
    page("denied in the last day", 1_000, () => "outcome.status:denied", lastDay),
    page("resource with 600 events", 1_000, (n) => `resource:invoice/${object + 1 + n}`),
    page("request id", 50, (n) => `request:${eventAt(stream, spread(n)).trace.requestId}`),
    page("rare word of the text", 50, (n) => ticket(n)),
    page("part of a rare word", 50, (n) => `*${ticket(n).slice(0, 5)}*`),
    page("network of 256 addresses", 50, (n) => `ip:10.${(n * 7) % 200}.${n % 3}.0/24`),
    page("nothing matches", 50, (n) => `actor.id:nobody${n} outcome.status:denied`),
    {
      name: "hour by status, 90 days",
      run: async (search) => (await search.stats({ trails, intervalMs: 3_600_000 })).count,
    },
    {
      name: "20 most denied users, 30 days",
      run: async (search) =>
        (await search.stats({ text: "outcome.status:denied", trails, ...month, top: ["actor.id"], topLimit: 20 }))
          .count,
    },
    {
      name: "page of 100 deep in the log",
      async run(search, variant) {
        const to = time(startMs + (((variant + 1) * 0.618 * (endMs - startMs)) % (endMs - startMs)));
        const query = { trails, limit: 100, order: "newest" } as const;
        const { cursor } = await search.query({ ...query, to, limit: 1 });
        return (await search.query({ ...query, ...(cursor === undefined ? {} : { cursor }) })).hits.length;
      },
    },
  ];
}
