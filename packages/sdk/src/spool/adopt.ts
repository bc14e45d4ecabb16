import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseSlots, type Unfinished } from "./open-slots.ts";
import { OWNER_FILE, PROGRESS_FILE, SLOTS_FILE } from "./own-folder.ts";
import { isGone, parseOwner } from "./owner.ts";
import { readProgress } from "./progress-file.ts";
import { type Segment, segmentNumber } from "./segment.ts";

const CHUNK_BYTES = 1 << 20;
const folderName = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(?:\.\d{1,6})?$/;
const STALE_MAKING_MS = 3_600_000;

/** What a writer that is gone left in the spool. */
export interface Found {
  readonly folder: string;
  readonly instance: string;
  /** It was killed or lost its power: it did not release its folder. */
  readonly died: boolean;
  readonly segments: readonly Segment[];
  readonly events: number;
  readonly bytes: number;
  /** Bytes of a line that was being written: it was never accepted. */
  readonly tornBytes: number;
  /** The highest sequence number that is known of it. */
  readonly lastSeq: number;
  /** Accesses that had begun and were never accepted. */
  readonly unfinished: readonly Unfinished[];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function silentMs(path: string): number | undefined {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Whether nobody writes into a folder any more: it was released, or its owner is gone. */
function isLeft(folder: string, adoptAfterMs: number): boolean {
  const ownerFile = join(folder, OWNER_FILE);
  const text = readText(ownerFile);
  const silent = silentMs(ownerFile);
  if (text === undefined || silent === undefined) return true;
  const owner = parseOwner(text);
  return owner === undefined ? silent > adoptAfterMs : isGone(owner, silent, adoptAfterMs);
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/**
 * Takes the folders of writers that are gone by renaming them into our own: of several processes that try, one succeeds. What a dead
 * writer had itself taken comes along.
 *
 * @returns the folders, now inside `own`
 */
export function claimLeft(dir: string, own: string, adoptAfterMs: number): readonly string[] {
  const claimed: string[] = [];
  const take = (from: string, name: string): void => {
    const to = join(own, name);
    if (!move(from, to)) return;
    claimed.push(to);
    for (const inner of namesIn(to)) if (folderName.test(inner)) take(join(to, inner), inner);
  };
  for (const name of namesIn(dir)) {
    const path = join(dir, name);
    if (name.startsWith(".making-")) {
      if ((silentMs(path) ?? 0) > STALE_MAKING_MS) rmSync(path, { recursive: true, force: true });
    } else if (folderName.test(name) && path !== own && isLeft(path, adoptAfterMs)) take(path, name);
  }
  return claimed;
}

interface Scan {
  readonly sizeBytes: number;
  readonly completeBytes: number;
  readonly lines: number;
}

/** Reads a segment once, telling each complete line from `readAt` on. */
async function scanSegment(path: string, readAt: number, tell: (line: string) => void): Promise<Scan> {
  const file = await open(path, "r");
  try {
    let at = readAt;
    let completeBytes = readAt;
    let lines = 0;
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return { sizeBytes: at, completeBytes, lines };
      at += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      let from = 0;
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, from)) {
        tell(rest.toString("utf8", from, end));
        lines += 1;
        from = end + 1;
      }
      completeBytes += from;
      rest = rest.subarray(from);
    }
  } finally {
    await file.close();
  }
}

const idAtStart = /^\{"v":1,"id":"([^"\\]{1,256})"/;
const seqInOrigin = /"nativeId":"([0-9a-f-]{36})\/(\d{1,15})","seq":"\d+"/;

/** Looks through a claimed folder; removes what has its verdicts already. */
export async function inspectFolder(folder: string): Promise<Found> {
  const ownerText = readText(join(folder, OWNER_FILE));
  const owner = ownerText === undefined ? undefined : parseOwner(ownerText);
  const instance = owner?.instance ?? basename(folder).slice(0, 36);
  const progress = readProgress(join(folder, PROGRESS_FILE));
  const slots = new Map(parseSlots(readText(join(folder, SLOTS_FILE)) ?? "").map((slot) => [slot.id, slot]));
  const segments: Segment[] = [];
  let { seq: lastSeq } = progress;
  let events = 0;
  let tornBytes = 0;
  const numbers = namesIn(folder).flatMap((each) => segmentNumber(each) ?? []);
  for (const number of numbers.sort((a, b) => a - b)) {
    const path = join(folder, `${String(number).padStart(8, "0")}.ndjson`);
    const readAt = number === progress.segment ? progress.offset : 0;
    const { sizeBytes, completeBytes, lines } =
      number < progress.segment
        ? { sizeBytes: 0, completeBytes: 0, lines: 0 }
        : await scanSegment(path, readAt, (line) => {
            const [, id = ""] = idAtStart.exec(line) ?? [];
            slots.delete(id);
            const [, by, seq] = seqInOrigin.exec(line) ?? [];
            if (by === instance) lastSeq = Math.max(lastSeq, Number(seq));
          });
    events += lines;
    tornBytes += sizeBytes - completeBytes;
    if (lines === 0) rmSync(path, { force: true });
    else segments.push({ path, folder, number, isFound: true, sizeBytes: completeBytes, readAt });
  }
  const bytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  const died = ownerText !== undefined;
  return { folder, instance, died, segments, events, bytes, tornBytes, lastSeq, unfinished: [...slots.values()] };
}

/** What was found is reported: a later adopter need not report it again. */
export function settleFound({ folder, segments }: Found): void {
  rmSync(join(folder, OWNER_FILE), { force: true });
  rmSync(join(folder, SLOTS_FILE), { force: true });
  if (segments.length === 0) rmSync(folder, { recursive: true, force: true });
}
