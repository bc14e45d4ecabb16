import type { Io } from "../command/index.ts";
import type { Refusal, Tally } from "../ingest/index.ts";
import { formatBytes, formatCount, formatDuration, plainText } from "../terminal/index.ts";
import type { FileProgress } from "./follower.ts";

const SHOWN_FILES = 8;
const REDRAW_MS = 500;
const JSON_MS = 5_000;
/** Refused lines that are shown in so much time; the others are in the trail and counted. */
const REFUSALS = 5;
const REFUSALS_MS = 60_000;
const LAGGING_MS = 2_000;

/** How much is said: `all`, or only what somebody should look at. */
export interface ReportOptions {
  readonly isQuiet: boolean;
  readonly isJson: boolean;
}

/** Says how following goes: a picture that is drawn again on a terminal, lines elsewhere, JSON lines for programs. */
export class FollowReport {
  readonly #io: Io;
  readonly #options: ReportOptions;
  readonly #tally: () => Tally;
  readonly #files: () => readonly FileProgress[];
  readonly #startedMs = performance.now();
  #drawnLines = 0;
  #drawnMs = 0;
  #drawnRead = 0;
  #jsonText = "";
  #waiting: string | undefined;
  #refusalsMs = Number.NEGATIVE_INFINITY;
  #refusals = 0;

  constructor(io: Io, options: ReportOptions, tally: () => Tally, files: () => readonly FileProgress[]) {
    this.#io = io;
    this.#options = options;
    this.#tally = tally;
    this.#files = files;
  }

  news(kind: "note" | "warning", text: string): void {
    if (kind === "note" && this.#options.isQuiet) return;
    this.#say(
      `${this.#io.err.style(kind === "note" ? "dim" : "yellow", kind === "note" ? "" : "warning: ")}${plainText(text, 1_000)}`,
    );
  }

  wait(why: string, waitMs: number): void {
    const text = `waiting ${formatDuration(waitMs)}: ${plainText(why, 200)}`;
    // Said once in a log, until something is stored again: hours of it would fill the journal.
    if (this.#waiting === undefined && !this.#io.err.isTerminal) this.#say(`${text}; reading waits, nothing is lost`);
    this.#waiting = text;
    this.#draw();
  }

  /** A line in quarantine. */
  refuse({ place, reasons }: Refusal, origin: { readonly path: string; readonly line: number }): void {
    const nowMs = performance.now();
    if (nowMs - this.#refusalsMs > REFUSALS_MS) {
      this.#refusalsMs = nowMs;
      this.#refusals = 0;
    }
    this.#refusals += 1;
    if (this.#refusals > REFUSALS) return;
    const [reason] = reasons;
    const field = reason === undefined || reason.field === "" ? "" : `${plainText(reason.field, 200)} `;
    const why = reason === undefined ? "" : `${field}${plainText(reason.problem, 500)}. ${plainText(reason.fix, 500)} `;
    const line = `${plainText(origin.path, 300)} line ${formatCount(origin.line)}`;
    this.#say(`${this.#io.err.style("yellow", line)}: ${why}(in quarantine as ${plainText(place)})`);
    if (this.#refusals === REFUSALS) this.#say("and maybe more in this minute: evident search kind:quarantine");
  }

  /** Called in every round; says something when it is time. */
  progress(): void {
    const nowMs = performance.now();
    if (this.#options.isJson && nowMs - this.#drawnMs >= JSON_MS) {
      this.#drawnMs = nowMs;
      this.#printJson(false);
    } else if (!this.#options.isJson && nowMs - this.#drawnMs >= REDRAW_MS) this.#draw();
  }

  finish(): void {
    this.#clear();
    if (this.#options.isJson) {
      this.#printJson(true);
      return;
    }
    const { read, accepted, duplicates, quarantined, skipped, folded } = this.#tally().counts;
    const tookMs = performance.now() - this.#startedMs;
    const more = [
      [duplicates, "there already"],
      [folded, "folded"],
      [quarantined, "in quarantine"],
      [skipped, "skipped"],
    ] as const;
    const rest = more.filter(([count]) => count > 0).map(([count, what]) => `, ${formatCount(count)} ${what}`);
    void this.#io.out.line(
      `${formatCount(read)} read in ${formatDuration(tookMs)}: ${formatCount(accepted)} stored${rest.join("")}`,
    );
  }

  #printJson(isEnd: boolean): void {
    const { counts, skipped } = this.#tally();
    const files = this.#files();
    const text = JSON.stringify({ counts, skipped: Object.fromEntries(skipped), files });
    // Nothing new is no line.
    if (text === this.#jsonText && !isEnd) return;
    this.#jsonText = text;
    void this.#io.out.json({ at: new Date().toISOString(), end: isEnd, ...(JSON.parse(text) as object) });
  }

  #say(text: string): void {
    this.#clear();
    void this.#io.err.line(text);
  }

  #clear(): void {
    if (this.#drawnLines === 0) return;
    void this.#io.err.write(`\x1b[${this.#drawnLines}A\r\x1b[J`);
    this.#drawnLines = 0;
  }

  #draw(): void {
    const { err } = this.#io;
    const { read } = this.#tally().counts;
    const nowMs = performance.now();
    const rate = ((read - this.#drawnRead) * 1_000) / Math.max(1, nowMs - this.#drawnMs);
    if (read > this.#drawnRead && this.#waiting !== undefined) {
      this.#waiting = undefined;
      if (!err.isTerminal) this.#say("going on");
    }
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#drawnRead = read;
    if (!err.isTerminal || this.#options.isQuiet) return;
    const files = this.#files();
    const lines = files
      .toSorted((left, right) => right.lagMs - left.lagMs)
      .slice(0, SHOWN_FILES)
      .map(lineOf);
    if (files.length > SHOWN_FILES) lines.push(`  and ${formatCount(files.length - SHOWN_FILES)} files more`);
    lines.push(
      `${formatCount(read)} lines  ${formatCount(rate)}/s${this.#waiting === undefined ? "" : `  ${this.#waiting}`}`,
    );
    this.#clear();
    for (const line of lines) void err.line(line.slice(0, Math.max(20, err.columns - 1)));
    this.#drawnLines = lines.length;
  }
}

function lineOf({ path, storedBytes, sizeBytes, lagMs }: FileProgress): string {
  const size = sizeBytes === undefined ? "" : ` of ${formatBytes(sizeBytes)}`;
  const lag = lagMs < LAGGING_MS ? "" : `  ${formatDuration(lagMs)} behind`;
  return `  ${plainText(path)}  ${formatBytes(storedBytes)}${size}${lag}`;
}
