import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { EvidentError, type ExportText, fromUtf8 } from "@evident/core";
import type { Hit, Search, SearchPage, SearchQuery } from "../../search/index.ts";
import type { PacedWriter } from "../app/index.ts";
import type { ExportReceipts } from "./receipts.ts";

const PAGE_ENTRIES = 10_000;
/** Entries that are written in one turn: others get theirs in between. */
const TURN_ENTRIES = 128;
const RETRY_MS = [100, 500, 2_000, 5_000] as const;

/** Why an export ended. `failed`: the index could not answer, or had fewer entries than the log. */
export type ExportEndKind = "complete" | "gone" | "stalled" | "key" | "stopping" | "failed";

/** One export under way. */
export interface ExportOptions {
  readonly search: Search;
  readonly writer: PacedWriter;
  readonly format: ExportText;
  /** Without `limit`, `order` and `cursor`. */
  readonly query: Pick<SearchQuery, "text" | "from" | "to" | "nowMs" | "after" | "trails">;
  /** Entries at or above are left out; what is below is indexed. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly receipts: ExportReceipts | undefined;
  readonly isAllowed: () => boolean;
  readonly stopping: AbortSignal;
}

/** What an export delivered, and where it came to. */
export interface ExportOutcome {
  readonly end: ExportEndKind;
  readonly entries: number;
  readonly bytesOut: number;
  readonly last: string | undefined;
  readonly cause?: unknown;
}

/**
 * Writes the entries that match, oldest first, at the pace of the reader. Memory is two pages of the index: the one being written and the
 * next, which is searched meanwhile.
 */
export class ExportStream {
  readonly #options: ExportOptions;
  readonly #given = new AbortController();
  #entries = 0;
  #bytesOut = 0;
  #last: string | undefined;

  constructor(options: ExportOptions) {
    this.#options = options;
    void options.writer.ended.then(() => this.#given.abort(new Error("nobody reads")));
  }

  /** Resolves when everything but the end was written, or nothing more can be. */
  async run(): Promise<ExportOutcome> {
    const outcome = (end: ExportEndKind, cause?: unknown): ExportOutcome => {
      const told = { end, entries: this.#entries, bytesOut: this.#bytesOut, last: this.#last };
      return cause === undefined ? told : { ...told, cause };
    };
    try {
      return outcome((await this.#write()) ?? "complete");
    } catch (cause) {
      return this.#options.writer.end === undefined ? outcome("failed", cause) : outcome(this.#options.writer.end);
    } finally {
      this.#given.abort(new Error("the export has ended"));
    }
  }

  async #write(): Promise<ExportEndKind | undefined> {
    const { format } = this.#options;
    if (format.head !== "" && !(await this.#send(format.head))) return this.#stopped();
    const counts = new Map<string, number>();
    for (let next: Promise<SearchPage> | undefined = this.#search(undefined); next !== undefined; ) {
      const page: SearchPage = await next;
      next = page.cursor === undefined ? undefined : this.#search(page.cursor);
      for (let at = 0; at < page.hits.length; at += TURN_ENTRIES) {
        const end = this.#stopped() ?? (await this.#writeSome(page.hits.slice(at, at + TURN_ENTRIES), counts));
        if (end !== undefined) return end;
        await nextTurn();
      }
    }
    this.#checkWhole(counts);
    return this.#stopped();
  }

  #stopped(): ExportEndKind | undefined {
    const { writer, isAllowed, stopping } = this.#options;
    if (writer.end !== undefined) return writer.end;
    if (!isAllowed()) return "key";
    return stopping.aborted ? "stopping" : undefined;
  }

  async #writeSome(hits: readonly Hit[], counts: Map<string, number>): Promise<ExportEndKind | undefined> {
    const { format, receipts, sizes } = this.#options;
    let text = "";
    for (const hit of hits) {
      const { trail, index, entry } = hit;
      // Stored since the export began.
      if (index >= (sizes.get(trail) ?? 0)) continue;
      const proof = receipts === undefined ? {} : { receipt: await receipts.of(hit) };
      text += format.entry({ trail, index, line: fromUtf8(entry), ...proof });
      counts.set(trail, (counts.get(trail) ?? 0) + 1);
      this.#entries += 1;
      this.#last = `${trail}:${index}`;
    }
    if (text === "" || (await this.#send(text))) return undefined;
    return this.#stopped() ?? "gone";
  }

  /** Everything was asked for, so everything must have come: an index that has lost rows is not taken at its word. */
  #checkWhole(counts: ReadonlyMap<string, number>): void {
    const { query, sizes } = this.#options;
    const { text = "", from, to, after } = query;
    if (text.trim() !== "" || from !== undefined || to !== undefined || after !== undefined) return;
    for (const [trail, size] of sizes) {
      const found = counts.get(trail) ?? 0;
      if (found !== size)
        throw new EvidentError("internal", `the index gave ${found} of ${size} entries of ${trail}`, {
          fix: "Run `evident doctor`, then `evident reindex`.",
        });
    }
  }

  /** A page; an index that is busy or starts again is waited for. */
  #search(cursor: string | undefined): Promise<SearchPage> {
    const page = this.#retry(cursor);
    // Awaited later, or never when the reader leaves.
    page.catch(() => undefined);
    return page;
  }

  async #retry(cursor: string | undefined): Promise<SearchPage> {
    const { search, query } = this.#options;
    const { after, ...wanted } = query;
    const { signal } = this.#given;
    for (let tries = 0; ; tries += 1) {
      try {
        const start = cursor === undefined ? (after === undefined ? {} : { after }) : { cursor };
        return await search.query({ ...wanted, ...start, limit: PAGE_ENTRIES, order: "oldest" }, signal);
      } catch (error) {
        const waitMs = RETRY_MS[tries];
        const isPassing = error instanceof EvidentError && (error.code === "overloaded" || error.code === "not_ready");
        if (!isPassing || waitMs === undefined) throw error;
        await sleep(waitMs, undefined, { signal });
      }
    }
  }

  #send(text: string): Promise<boolean> {
    const bytes = Buffer.from(text);
    this.#bytesOut += bytes.length;
    return this.#options.writer.write(bytes);
  }
}
