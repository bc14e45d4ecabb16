import { EvidentError } from "@evident/core";
import { type KeyFiles, makeCheckpointSigner } from "./keys/index.ts";
import type { Publisher } from "./publish/index.ts";
import type { Storage } from "./storage/index.ts";
import { pathOf, type Trail } from "./trail/index.ts";
import type { AppendStatement } from "./types.ts";

export interface Rotation {
  readonly storage: Storage;
  readonly keys: KeyFiles;
  readonly publisher: Publisher;
  readonly trail: Trail;
  readonly by: string;
  readonly nowMs: () => number;
  readonly appendStatement: AppendStatement;
}

/**
 * Moves a trail to a new generation of keys: the newest head is signed by the old and the new keys together (the rotation note), the
 * change is stated in `evident`, and the checkpoint is signed anew. A crash between the steps is finished by `finishRotation`.
 */
export async function rotateTrailKeys(rotation: Rotation): Promise<void> {
  const { storage, keys, publisher, trail, nowMs } = rotation;
  const { size, root } = await publisher.publish(trail);
  if (trail.rotations.includes(size)) {
    throw new EvidentError("conflict", `trail ${trail.name} was rotated at size ${size} already`, {
      fix: "Store an event first, then rotate.",
    });
  }
  const next = makeCheckpointSigner(keys.checkpointKey(trail.name, trail.generation + 1, trail.origin));
  const note = trail.signer.signWith(next, {
    origin: trail.origin,
    size,
    root,
    timestamp: Math.trunc(nowMs() / 1_000),
  });
  await storage.objects.create(pathOf.rotation(trail.name, size), note);
  await adoptRotation(rotation, size);
}

/** States a rotation whose note is durable, and signs with the new keys from then on. */
export async function adoptRotation(rotation: Rotation, size: number): Promise<void> {
  const { keys, publisher, trail, by, appendStatement } = rotation;
  const next = makeCheckpointSigner(keys.checkpointKey(trail.name, trail.generation + 1));
  await appendStatement({
    type: "signing_key.rotated",
    trail: trail.name,
    size,
    keys: next.keys,
    previous: trail.signer.keys,
    by,
  });
  trail.signer = next;
  trail.generation += 1;
  trail.rotations.push(size);
  await publisher.publish(trail, { again: true });
}
