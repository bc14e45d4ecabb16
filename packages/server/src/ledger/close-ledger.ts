import { toBase64 } from "@evident/core";
import type { LedgerParts } from "./running-ledger.ts";

/**
 * Stops cleanly: what is under way is finished, every trail is published, the stop is stated in `evident`, and the closing record names
 * all heads. Nothing may follow it. When any step fails there is no closing record, and the next start recovers as after a crash.
 *
 * @param underWay resolves when nothing that others asked for is being done
 */
export async function closeLedger(parts: LedgerParts, underWay: () => Promise<void>): Promise<void> {
  const { committer, failure, jobs, sealer } = parts;
  committer.giveUpOnFullDisk();
  try {
    await jobs.stop();
    await underWay();
    await sealer.stop();
    failure.check();
    await stopCleanly(parts);
  } finally {
    await haltLedger(parts);
    parts.release();
  }
}

/** Waits until nothing of the ledger touches the disk and lets nothing begin: only then may another run have the lock. */
export async function haltLedger({ committer, identity, jobs, publisher, sealer }: LedgerParts): Promise<void> {
  committer.giveUpOnFullDisk();
  await Promise.allSettled([jobs.stop(), sealer.stop(), publisher.stop(), committer.idle()]);
  await identity.close();
}

async function stopCleanly(parts: LedgerParts): Promise<void> {
  const { appendStatement, blobs, clockSteps, committer, epoch, folds, headRecorder, identity, publisher, sealer } =
    parts;
  const trails = [...parts.trails.values()];
  const evident = trails.filter(({ name }) => name === "evident");
  await committer.flush();
  await blobs.finish();
  for (const trail of trails) await publisher.publish(trail);
  await sealer.finishBegun();
  await headRecorder.record("stop");
  for (const trail of evident) await folds.save(await publisher.publish(trail));
  await identity.flush(committer.sequencedSizes(trails), Promise.resolve());
  await publisher.stop();
  clockSteps.stop();
  await appendStatement({ type: "server.stopped", epoch });
  // All that takes its time is done before the last checkpoint: from there to the closing record a crash looks like a cut log.
  await committer.end();
  for (const trail of evident) await publisher.publish(trail);
  await committer.close(trails.map(({ published: { trail, size, root } }) => ({ trail, size, root: toBase64(root) })));
}
