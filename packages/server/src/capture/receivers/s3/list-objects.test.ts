import { describe, expect, it } from "vitest";
import type { Bucket, ListedPage } from "./bucket.ts";
import { listObjects } from "./list-objects.ts";

const PAGE = 1_000;
const { signal } = new AbortController();

/** A bucket of keys that answers as S3 does, and counts what it is asked. */
function bucketOf(keys: readonly string[]): Bucket & { readonly asked: string[] } {
  const sorted = [...keys].sort((left, right) => (left < right ? -1 : 1));
  const asked: string[] = [];
  return {
    asked,
    list(prefix, { byFolder, next }): Promise<ListedPage> {
      asked.push(prefix);
      const found = new Map<string, "object" | "folder">();
      for (const key of sorted) {
        if (!key.startsWith(prefix)) continue;
        const end = byFolder ? key.indexOf("/", prefix.length) : -1;
        if (end < 0) found.set(key, "object");
        else found.set(key.slice(0, end + 1), "folder");
      }
      const from = Number(next ?? 0);
      const page = [...found].slice(from, from + PAGE);
      const named = (kind: string): string[] => page.filter(([, each]) => each === kind).map(([name]) => name);
      return Promise.resolve({
        objects: named("object").map((key) => ({ key, etag: "e", modifiedMs: 0, sizeBytes: 1 })),
        folders: named("folder"),
        ...(from + PAGE < found.size ? { next: String(from + PAGE) } : {}),
      });
    },
    open: () => Promise.reject(new Error("not read here")),
    close: () => undefined,
  };
}

async function keysOf(
  bucket: Bucket,
  listing: { prefix?: string; startAfter?: string; sinceMs?: number },
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listObjects(bucket, { prefix: "", startAfter: "", ...listing }, signal)) keys.push(key);
  return keys.sort((left, right) => (left < right ? -1 : 1));
}

const days = (region: string, separator: (y: string, m: string, d: string) => string): string[] =>
  [
    ["2024", "12", "31"],
    ["2026", "10", "31"],
    ["2026", "11", "23"],
    ["2026", "11", "24"],
    ["2026", "11", "25"],
  ].map(([y = "", m = "", d = ""]) => `logs/${region}/${separator(y, m, d)}/x.gz`);

describe("listObjects", () => {
  it("finds every object under the prefix, over pages and folders", async () => {
    const keys = ["a", "b/c", "b/d/e", ...Array.from({ length: 2_500 }, (_, i) => `f/${i}`)];
    expect(await keysOf(bucketOf(keys), {})).toHaveLength(keys.length);
    expect(await keysOf(bucketOf(keys), { prefix: "b/" })).toEqual(["b/c", "b/d/e"]);
  });

  it.each([
    ["2026/11/25", (y: string, m: string, d: string) => `${y}/${m}/${d}`],
    ["year=2026/month=11/day=25", (y: string, m: string, d: string) => `year=${y}/month=${m}/day=${d}`],
  ])("passes over folders of days before a time, named as %s, with a day to spare", async (_, form) => {
    const bucket = bucketOf([...days("eu", form), ...days("us", form), "logs/readme"]);
    const found = await keysOf(bucket, { prefix: "logs/", sinceMs: Date.parse("2026-11-25T01:00:00Z") });
    const wanted = ["eu", "us"].flatMap((region) => days(region, form).slice(3));
    expect(found).toEqual([...wanted, "logs/readme"].sort((left, right) => (left < right ? -1 : 1)));
    expect(bucket.asked.some((prefix) => prefix.includes(form("2026", "10", "31")))).toBe(false);
    expect(await keysOf(bucket, { prefix: "logs/" })).toHaveLength(11);
  });

  it("takes numbers that are no days for names", async () => {
    const keys = ["1999/12/x", "2021/x", "2021/77/x", "accounts/123456789012/x", "v2/2026/99/01/x"];
    expect(await keysOf(bucketOf(keys), { sinceMs: Date.parse("2026-11-25T00:00:00Z") })).toHaveLength(keys.length);
  });

  it("begins after a key, and asks for no folder before it", async () => {
    const bucket = bucketOf(["a/1", "a/2", "b/1", "b/2", "c/1"]);
    expect(await keysOf(bucket, { startAfter: "b/1" })).toEqual(["b/2", "c/1"]);
    expect(bucket.asked).toEqual(["", "b/", "c/"]);
  });

  it("lists at once where there are more folders than requests are worth", async () => {
    const bucket = bucketOf(Array.from({ length: 3_000 }, (_, i) => `${i}/x`));
    expect(new Set(await keysOf(bucket, {})).size).toBe(3_000);
    expect(bucket.asked.length).toBeLessThan(10);
  });
});
