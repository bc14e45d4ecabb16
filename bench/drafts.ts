import { randomFillSync } from "node:crypto";
import type { Draft } from "@evident/server";
import { type EventStream, makeEvents } from "./search-events.ts";

const IDENTITY_BYTES = 24;
const POOL = 65_536;

/** After `{"v":1,"kind":"event","received":"…",`, without the closing brace: as the checker hands them on. */
function restOf(line: string): string {
  return line.slice(line.indexOf('"sent":'), -1);
}

/**
 * `count` drafts of about 650 bytes. Their text is made before the clock starts and repeats after 65,536 entries, the identity never;
 * with `events`, each text is made when it is taken and is that of the stream.
 */
export class DraftSource {
  readonly #rests: readonly string[];
  readonly #identities: Uint8Array;
  readonly #events: EventStream | undefined;
  #next = 0;

  constructor(count: number, events?: EventStream) {
    this.#events = events;
    const pool = makeEvents(POOL);
    const pooled = events === undefined ? Math.min(count, POOL) : 0;
    this.#rests = Array.from({ length: pooled }, (_, i) => restOf(pool.line(i)));
    this.#identities = new Uint8Array(count * IDENTITY_BYTES);
    for (let at = 0; at < this.#identities.length; at += 1 << 30) {
      randomFillSync(this.#identities.subarray(at, at + (1 << 30)));
    }
  }

  take(count: number): Draft[] {
    return Array.from({ length: count }, () => {
      const at = this.#next;
      this.#next += 1;
      return {
        kind: "event",
        rest: this.#rests[at % this.#rests.length] ?? restOf(this.#events?.line(at) ?? ""),
        identity: this.#identities.subarray(at * IDENTITY_BYTES, (at + 1) * IDENTITY_BYTES),
      };
    });
  }
}
