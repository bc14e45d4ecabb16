import { EvidentError } from "@evident/core";
import { type KeyFiles, makeCheckpointSigner } from "./keys/index.ts";
import type { Publisher } from "./publish/index.ts";
import type { Trail } from "./trail/index.ts";
import type { AppendStatement } from "./types.ts";

export interface Rotation {
  readonly keys: KeyFiles;
  readonly publisher: Publisher;
  readonly trail: Trail;
  readonly by: string;
  readonly appendStatement: AppendStatement;
}

/**
 * Moves a trail to a new generation of keys: stated in `evident` first, then one head is signed by the old and the new keys together
 * (the rotation note), then the checkpoint is signed anew. Whatever interrupts it after the statement, the next publish finishes it, in
 * this run or after a restart; calling again before that finishes it too, and makes no further generation.
 */
export async function rotateTrailKeys(rotation: Rotation): Promise<void> {
  const { publisher, trail } = rotation;
  const isUnderWay = trail.rotating !== undefined;
  await publisher.publish(trail);
  if (isUnderWay) return;
  await publisher.publish(trail, () => stateRotation(rotation));
}

/**
 * Nothing is published meanwhile, so the old keys sign no head beyond the one that both sign. For `evident` that is the first one that
 * holds the statement itself: by signing it, the old keys agree to the new ones.
 */
async function stateRotation({ keys, trail, by, appendStatement }: Rotation): Promise<void> {
  const { generation, origin, signer, rotations } = trail;
  const next = makeCheckpointSigner(keys.checkpointKey(trail.name, generation + 1, origin));
  const size = trail.name === "evident" ? trail.tree.size + 1 : trail.published.size;
  if (rotations.includes(size)) {
    throw new EvidentError("conflict", `trail ${trail.name} was rotated at size ${size} already`, {
      fix: "Store an event first, then rotate.",
    });
  }
  // The size of `evident` holds because an append takes its index in the turn of the call.
  await appendStatement({
    type: "signing_key.rotated",
    trail: trail.name,
    size,
    keys: next.keys,
    previous: signer.keys,
    by,
  });
  trail.rotations.push(size);
  trail.rotating = { size, next };
}
