import { EvidentError, equalBytes, openCheckpoint } from "@evident/core";
import type { ObjectStore } from "../storage/index.ts";
import { pathOf, type StatedRotation, type Trail } from "../trail/index.ts";

/**
 * Makes the note of a stated rotation durable, signed by the old and the new keys, and goes on with the new ones. The published head
 * is that of the rotation's size. Can be called again after any failure: a note that is there already is taken, if it is the right one.
 */
export async function finishRotation(
  objects: ObjectStore,
  trail: Trail,
  rotation: StatedRotation,
  nowMs: number,
): Promise<void> {
  const { next, size } = rotation;
  const { root } = trail.published;
  if (trail.published.size !== size) {
    throw new EvidentError(
      "internal",
      `trail ${trail.name}: its keys change at ${size}, not at ${trail.published.size}`,
    );
  }
  const name = pathOf.rotation(trail.name, size);
  const found = await objects.read(name);
  if (found !== undefined) checkRotationNote(found, { name, size, root, keys: [...trail.signer.keys, ...next.keys] });
  const timestamp = Math.trunc(nowMs / 1_000);
  await objects.create(name, found ?? trail.signer.signWith(next, { origin: trail.origin, size, root, timestamp }));
  trail.signer = next;
  trail.generation += 1;
  trail.rotating = undefined;
}

/** @throws EvidentError `corrupt_store` when a note is not the one by which these keys were changed at this tree */
export function checkRotationNote(
  note: Uint8Array,
  stated: {
    readonly name: string;
    readonly size: number;
    readonly root: Uint8Array;
    readonly keys: readonly string[];
  },
): void {
  const opened = openCheckpoint(note, stated.keys, { strict: true });
  if (opened.kind === "invalid") throw new EvidentError("corrupt_store", `${stated.name}: ${opened.detail}`);
  const { size, root } = opened.checkpoint;
  if (size !== BigInt(stated.size) || !equalBytes(root, stated.root)) {
    throw new EvidentError("corrupt_store", `${stated.name} is not for the trail's tree at size ${stated.size}`);
  }
}
