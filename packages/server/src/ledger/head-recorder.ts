import { toBase64 } from "@evident/core";
import type { Trail } from "./trail/index.ts";
import type { AppendStatement } from "./types.ts";

/** A head takes up to 450 bytes and an entry holds 65,535. */
const HEADS_A_STATEMENT = 128;

type RecordedTrail = Pick<Trail, "name" | "origin" | "published">;

/** Puts the published heads of the other trails into `evident` when they have changed. */
export class HeadRecorder {
  readonly #trails: ReadonlyMap<string, RecordedTrail>;
  readonly #appendStatement: AppendStatement;
  readonly #recorded = new Map<string, number>();

  constructor(trails: ReadonlyMap<string, RecordedTrail>, appendStatement: AppendStatement) {
    this.#trails = trails;
    this.#appendStatement = appendStatement;
  }

  async record(reason: "interval" | "stop"): Promise<void> {
    const changed = [...this.#trails.values()].filter(
      ({ name, published }) => name !== "evident" && this.#recorded.get(name) !== published.size,
    );
    for (let from = 0; from < changed.length; from += HEADS_A_STATEMENT) {
      const heads = changed
        .slice(from, from + HEADS_A_STATEMENT)
        .map(({ name, origin, published: { size, root } }) => ({ trail: name, origin, size, root: toBase64(root) }));
      await this.#appendStatement({ type: "checkpoint.recorded", reason, heads });
      for (const { trail, size } of heads) this.#recorded.set(trail, size);
    }
  }
}
