import { randomUUID } from "node:crypto";
import { type AccessEvent, parseJson } from "@evident/core";
import { AdaptStream, firstKey, isObject, nextKey, type Reading, toSubmission } from "../../adapt/index.ts";
import type { BodyLine } from "../../body-line.ts";
import type { Delivery } from "../delivery.ts";
import type { ReceiverFormat } from "../format.ts";
import type { Sender, Sink } from "../sink.ts";

/** What a reader of messages works with. */
export interface ReaderParts {
  readonly format: ReceiverFormat;
  readonly sender: Sender;
  readonly sink: Sink;
  readonly delivery: Delivery;
  readonly nowMs: () => number;
}

/** Makes submissions of the messages of one connection or socket. Messages have no ids: each is stored as often as it was sent. */
export class MessageReader {
  readonly #parts: ReaderParts;
  readonly #stream: AdaptStream;
  readonly #seed = randomUUID();
  #isLossy = false;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    const { adapters, optionsOf } = parts.format;
    this.#stream = new AdaptStream({
      adapters,
      optionsOf,
      context: { nowMs: parts.nowMs },
      source: parts.sender.source,
      key: firstKey(this.#seed),
    });
  }

  take(lines: readonly BodyLine[]): void {
    this.#submit(this.#stream.take(lines));
  }

  /** Ends what waits for more: nothing came for a while, or it is over. */
  end(): void {
    this.#submit(this.#stream.end());
  }

  /** Messages before the next one are known to be lost: its event says so. */
  noteLoss(): void {
    this.#isLossy = true;
  }

  /** The beginning of a message whose end did not come. */
  takePart({
    line,
    bytes,
    sizeBytes,
  }: {
    readonly line: number;
    readonly bytes: Uint8Array;
    readonly sizeBytes: number;
  }): void {
    const { adapters } = this.#parts.format;
    const problem = "the connection ended before the message did";
    const fix = "End each message with a newline, or send its length before it (RFC 6587).";
    this.#submit([
      {
        kind: "unreadable",
        line,
        lines: 1,
        key: nextKey(firstKey(`${this.#seed} part`), bytes),
        adapter: adapters.length === 1 ? adapters[0]?.name : undefined,
        raw: bytes,
        ...(sizeBytes > bytes.length ? { sizeBytes } : {}),
        reasons: [{ field: "", problem, fix }],
      },
    ]);
  }

  #submit(readings: readonly Reading[]): void {
    const { sender, sink, delivery } = this.#parts;
    const submissions: string[] = [];
    let skipped = 0;
    for (const reading of readings) {
      const text = toSubmission(reading, sender.source);
      if (text === undefined) skipped += reading.lines;
      else submissions.push(this.#isLossy && reading.kind === "event" ? this.#markLossy(text) : text);
    }
    if (skipped > 0) sink.noteSkipped(sender, skipped);
    delivery.add(submissions);
  }

  #markLossy(json: string): string {
    const parsed = parseJson(json);
    if (!parsed.ok || !isObject(parsed.value)) return json;
    this.#isLossy = false;
    const origin: Partial<AccessEvent["origin"]> = { ...(parsed.value["origin"] as object), lossy: true };
    return JSON.stringify({ ...parsed.value, origin });
  }
}
