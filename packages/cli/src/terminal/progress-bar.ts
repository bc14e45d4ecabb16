import { formatCount, formatDuration } from "./format-quantity.ts";
import type { Output } from "./output.ts";

const WIDTH = 24;
const REDRAW_MS = 100;

/** A line on stderr that is drawn again in place; nothing where stderr is no terminal. */
export class ProgressBar {
  readonly #output: Output;
  readonly #label: string;
  readonly #unit: string;
  readonly #startedMs = performance.now();
  #drawnMs = 0;
  #isDrawn = false;

  constructor(output: Output, label: string, unit: string) {
    this.#output = output;
    this.#label = label;
    this.#unit = unit;
  }

  /** @param share part done from 0 to 1, undefined when the whole is unknown; @param done units so far, for the rate */
  update(share: number | undefined, done: number, note = ""): void {
    const nowMs = performance.now();
    if (!this.#output.isTerminal || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    const tookMs = nowMs - this.#startedMs;
    const rate = tookMs > 0 ? (done * 1000) / tookMs : 0;
    const parts = [this.#label];
    if (share !== undefined) {
      const part = Math.min(1, Math.max(0, share));
      const full = Math.round(part * WIDTH);
      parts.push(`${"█".repeat(full)}${"░".repeat(WIDTH - full)} ${Math.floor(part * 100)} %`);
      if (part > 0.01 && part < 1) parts.push(`${formatDuration((tookMs * (1 - part)) / part)} left`);
    }
    parts.push(`${formatCount(done)} ${this.#unit}`, `${formatCount(rate)}/s`);
    if (note !== "") parts.push(note);
    this.#draw(parts.join("  "));
  }

  /** Takes the bar away, so that other lines can be printed. */
  clear(): void {
    if (!this.#isDrawn) return;
    void this.#output.write("\r\x1b[2K");
    this.#isDrawn = false;
  }

  #draw(text: string): void {
    this.#isDrawn = true;
    void this.#output.write(`\r\x1b[2K${text.slice(0, Math.max(20, this.#output.columns - 1))}`);
  }
}
