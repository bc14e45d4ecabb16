import { EvidentError } from "@evident/core";

const REPEAT_MS = 600_000;

/** `note`: what happens. `warning`: what somebody should look at. */
export type OnNews = (kind: "note" | "warning", text: string) => void;

/** Warnings about files, each at most once in ten minutes: most are seen anew with every look at the names. */
export class Notices {
  readonly #onNews: OnNews;
  readonly #toldMs = new Map<string, number>();

  constructor(onNews: OnNews) {
    this.#onNews = onNews;
  }

  problem(path: string, cause: unknown): void {
    // Replaced while it was being opened: the next look sees what is there.
    if (cause instanceof EvidentError && (cause.code === "conflict" || cause.code === "not_found")) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    this.warn(text.includes(path) ? text : `${path}: ${text}`);
  }

  warn(text: string): void {
    const nowMs = Date.now();
    if (nowMs - (this.#toldMs.get(text) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (this.#toldMs.size > 10_000) this.#toldMs.clear();
    this.#toldMs.set(text, nowMs);
    this.#onNews("warning", text);
  }
}
