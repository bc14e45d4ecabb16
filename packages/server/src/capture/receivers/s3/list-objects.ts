import type { Bucket, ListedObject } from "./bucket.ts";

/** Folders of a level above which its objects are listed at once: a request for each folder would cost more. */
const MAX_FOLDERS = 1_000;
/** Folders of days are made by the sender's clock and time zone. */
const DAY_MS = 24 * 3_600_000;
const DAY = /(?:^|\/)(?:year=|y=)?(20\d\d)\/(?:month=|m=)?(0[1-9]|1[0-2])\/(?:(?:day=|d=)?(0[1-9]|[12]\d|3[01])\/)?$/;

/** What to list. */
export interface Listing {
  readonly prefix: string;
  readonly startAfter: string;
  /** Folders of days before this time (Unix ms) are passed over; absent: none is. */
  readonly sinceMs?: number;
}

/**
 * Lists the objects under a prefix, folder by folder, so that folders of days that have passed (`…/2026/11/25/…`,
 * `year=2026/month=11/day=25/`) cost nothing: a bucket of years is looked through with a few requests.
 */
export async function* listObjects(
  bucket: Bucket,
  listing: Listing,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  const { prefix, startAfter } = listing;
  const folders: string[] = [];
  let next: string | undefined;
  do {
    const page = await bucket.list(prefix, { byFolder: true, ...(next === undefined ? {} : { next }) }, signal);
    next = page.next;
    if (page.folders.length >= MAX_FOLDERS) {
      // From the beginning: objects of pages before come a second time, which is the same as once.
      yield* listFlat(bucket, listing, signal);
      return;
    }
    for (const object of page.objects) if (isAfter(object.key, startAfter)) yield object;
    for (const folder of page.folders) if (!isPassed(folder, listing)) folders.push(folder);
  } while (next !== undefined);
  for (const folder of folders) yield* listObjects(bucket, { ...listing, prefix: folder }, signal);
}

async function* listFlat(
  bucket: Bucket,
  { prefix, startAfter }: Listing,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  let next: string | undefined;
  do {
    const page = await bucket.list(prefix, { byFolder: false, ...(next === undefined ? {} : { next }) }, signal);
    next = page.next;
    for (const object of page.objects) if (isAfter(object.key, startAfter)) yield object;
  } while (next !== undefined);
}

/** In the order of S3: by the bytes of UTF-8. */
function isAfter(key: string, startAfter: string): boolean {
  return startAfter === "" || Buffer.compare(Buffer.from(key), Buffer.from(startAfter)) > 0;
}

function isPassed(folder: string, { startAfter, sinceMs }: Listing): boolean {
  if (!isAfter(folder, startAfter) && !startAfter.startsWith(folder)) return true;
  const [, year, month, day] = DAY.exec(folder) ?? [];
  if (sinceMs === undefined || year === undefined || month === undefined) return false;
  const since = new Date(sinceMs - DAY_MS).toISOString();
  return day === undefined ? `${year}-${month}` < since.slice(0, 7) : `${year}-${month}-${day}` < since.slice(0, 10);
}
