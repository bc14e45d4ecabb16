import { compilePredicate, fromUtf8, type Matcher, parseEntry, parseSearch } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import type { PacedWriter } from "../app/index.ts";
import { formatPositions, type Positions } from "./positions.ts";

const CHUNK_ENTRIES = 256;
const MAX_WRITE_BYTES = 64 * 1024;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Why a tail ended: its client left or stopped reading, its key is no longer valid, or the server stops. */
export type TailEnd = "gone" | "stalled" | "key" | "stopping";

/** One open tail. */
export interface TailOptions {
  readonly ledger: Ledger;
  readonly writer: PacedWriter;
  /** Search text that parses; relative times in it move with the clock. */
  readonly text: string | undefined;
  readonly positions: Positions;
  /** Trails to follow by now: those that are not in `positions` yet were made since, and are followed from their beginning. */
  readonly trails: () => readonly string[];
  readonly isAllowed: () => boolean;
  /** Unix ms at which `isAllowed` turns false by itself. */
  readonly expiresMs: number | undefined;
  readonly stopping: AbortSignal;
  readonly heartbeatMs: number;
}

/** What a tail delivered. */
export interface TailOutcome {
  readonly end: TailEnd;
  readonly delivered: number;
  readonly bytesOut: number;
}

/**
 * Follows trails for one client. It reads from the ledger at the client's own pace: a slow client is behind, it has no queue, so its
 * memory is one chunk however much is stored meanwhile.
 */
export class TailStream {
  readonly #options: TailOptions;
  #delivered = 0;
  #bytesOut = 0;
  #wake: () => void = () => undefined;
  #heartbeatDue = false;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  async run(): Promise<TailOutcome> {
    const { ledger, positions, trails, stopping, writer, heartbeatMs, expiresMs } = this.#options;
    const stopListening = ledger.onCommit(({ trail }) => {
      // A key that is revoked is revoked by an entry of `evident`.
      if (positions.has(trail) || trail === "evident" || trails().includes(trail)) this.#wake();
    });
    const leftMs = expiresMs === undefined ? MAX_TIMER_MS : Math.max(0, expiresMs - ledger.nowMs());
    const expiry = setTimeout(() => this.#wake(), Math.min(leftMs + 1, MAX_TIMER_MS));
    const heartbeat = setInterval(() => {
      this.#heartbeatDue = true;
      this.#wake();
    }, heartbeatMs);
    const onStop = (): void => this.#wake();
    stopping.addEventListener("abort", onStop);
    void writer.ended.then(onStop);
    try {
      const end = await this.#follow();
      return { end, delivered: this.#delivered, bytesOut: this.#bytesOut };
    } finally {
      stopListening();
      clearInterval(heartbeat);
      clearTimeout(expiry);
      stopping.removeEventListener("abort", onStop);
    }
  }

  async #follow(): Promise<TailEnd> {
    // The first byte at once: proxies and clients then know that the stream is open.
    await this.#send(`retry: 1000\nid: ${formatPositions(this.#options.positions)}\n: open\n\n`);
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const end = this.#end() ?? (await this.#deliver()) ?? (await this.#beat());
      if (end !== undefined) return end;
      if (!this.#isBehind()) await woken;
    }
  }

  #end(): TailEnd | undefined {
    const { writer, isAllowed, stopping } = this.#options;
    if (writer.end !== undefined) return writer.end;
    if (!isAllowed()) return "key";
    return stopping.aborted ? "stopping" : undefined;
  }

  #isBehind(): boolean {
    const { ledger, positions } = this.#options;
    return [...positions].some(([trail, next]) => next < (ledger.trail(trail)?.size ?? 0));
  }

  /** One chunk of each trail that has more. */
  async #deliver(): Promise<TailEnd | undefined> {
    const { ledger, positions, trails } = this.#options;
    const matches = this.#matcher();
    for (const trail of trails()) if (!positions.has(trail)) positions.set(trail, 0);
    for (const [trail, next] of positions) {
      const to = Math.min(ledger.trail(trail)?.size ?? 0, next + CHUNK_ENTRIES);
      for await (const { first, entries } of ledger.entries(trail, next, to)) {
        const end = (await this.#deliverChunk(trail, first, entries, matches)) ?? this.#end();
        if (end !== undefined) return end;
      }
    }
    return undefined;
  }

  async #deliverChunk(
    trail: string,
    first: number,
    entries: readonly Uint8Array[],
    matches: Matcher | undefined,
  ): Promise<TailEnd | undefined> {
    const { positions } = this.#options;
    let pending = "";
    for (const [i, entry] of entries.entries()) {
      const index = first + i;
      const line = fromUtf8(entry);
      positions.set(trail, index + 1);
      if (matches !== undefined && !matches(parseEntry(line), { trail, index })) continue;
      this.#delivered += 1;
      const data = `{"trail":"${trail}","index":${index},"entry":${line}}`;
      pending += `id: ${formatPositions(positions)}\nevent: entry\ndata: ${data}\n\n`;
      if (pending.length < MAX_WRITE_BYTES) continue;
      if (!(await this.#send(pending))) return this.#options.writer.end ?? "gone";
      pending = "";
    }
    if (pending !== "" && !(await this.#send(pending))) return this.#options.writer.end ?? "gone";
    return undefined;
  }

  /** A comment that keeps the connection open, with the position, so that a resumed tail does not read again what did not match. */
  async #beat(): Promise<TailEnd | undefined> {
    if (!this.#heartbeatDue) return undefined;
    this.#heartbeatDue = false;
    await this.#send(`id: ${formatPositions(this.#options.positions)}\n: still here\n\n`);
    return this.#options.writer.end;
  }

  #send(text: string): Promise<boolean> {
    this.#bytesOut += text.length;
    return this.#options.writer.write(text);
  }

  #matcher(): Matcher | undefined {
    const { text, ledger } = this.#options;
    if (text === undefined || text.trim() === "") return undefined;
    const parsed = parseSearch(text, { nowMs: ledger.nowMs() });
    return parsed.ok ? compilePredicate(parsed.predicate) : undefined;
  }
}
