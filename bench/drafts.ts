import { randomFillSync } from "node:crypto";
import type { Draft } from "@evident/server";
import { makeEvents } from "./search-events.ts";

const IDENTITY_BYTES = 24;
const POOL = 65_536;

/**
 * Drafts of about 650 bytes, made before the clock starts: the text repeats after 65,536 entries, the identity never.
 * Sized for `count` calls of `next`.
 */
export class DraftSource {
  readonly #rests: readonly string[];
  readonly #identities: Uint8Array;
  #next = 0;

  constructor(count: number) {
    const events = makeEvents(POOL);
    // After `{"v":1,"kind":"event","received":"…",`, without the closing brace: as the checker hands them on.
    this.#rests = Array.from({ length: Math.min(count, POOL) }, (_, i) => {
      const line = events.line(i);
      return line.slice(line.indexOf('"sent":'), -1);
    });
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
        rest: this.#rests[at % this.#rests.length] ?? "",
        identity: this.#identities.subarray(at * IDENTITY_BYTES, (at + 1) * IDENTITY_BYTES),
      };
    });
  }
}
