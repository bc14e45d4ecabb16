import { EvidentError, formatProof, InclusionPaths, toBase64 } from "@evident/core";
import type { Ledger, PublishedHead } from "../../ledger/index.ts";
import type { Hit } from "../../search/index.ts";

const WAIT_MS = 10_000;

interface TrailPaths {
  readonly head: PublishedHead;
  readonly paths: InclusionPaths;
}

/** Receipts of many entries, those of one trail all under one checkpoint. */
export class ExportReceipts {
  readonly #trails: ReadonlyMap<string, TrailPaths>;

  private constructor(trails: ReadonlyMap<string, TrailPaths>) {
    this.#trails = trails;
  }

  /**
   * Waits for checkpoints that cover the given sizes.
   *
   * @throws EvidentError `not_ready` when there is none in ten seconds
   */
  static async open(ledger: Ledger, sizes: ReadonlyMap<string, number>): Promise<ExportReceipts> {
    const signal = AbortSignal.timeout(WAIT_MS);
    const trails = new Map<string, TrailPaths>();
    for (const [trail, size] of sizes) {
      const head = await ledger.waitPublished(trail, size, signal).catch((cause: unknown) => {
        if (!signal.aborted) throw cause;
        throw new EvidentError("not_ready", `no checkpoint covers ${trail}:${size - 1} yet`, { cause });
      });
      const paths = new InclusionPaths(head.size, async (level, n, width) => {
        const tile = await ledger.tile(trail, level, n, width);
        if (tile === undefined) throw new EvidentError("corrupt_store", `tile ${level}/${n} of ${trail} is missing`);
        return tile;
      });
      trails.set(trail, { head, paths });
    }
    return new ExportReceipts(trails);
  }

  /** Base64 of the `.tlog-proof` of an entry below the sizes. */
  async of({ trail, index, entry }: Hit): Promise<string> {
    const found = this.#trails.get(trail);
    if (found === undefined) throw new EvidentError("internal", `no receipts of ${trail} were asked for`);
    const path = await found.paths.path(index);
    return toBase64(formatProof({ index: BigInt(index), path, checkpoint: found.head.note, extra: entry }));
  }
}
