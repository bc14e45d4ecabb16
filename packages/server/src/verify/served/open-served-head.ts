import { type OpenedCheckpoint, openCheckpoint } from "@evident/core";
import { checkRotations, invalidKind, type OpenedRotation, type RotationNotes } from "../check-signatures.ts";
import type { StatedHead } from "../trail-head.ts";
import { logPaths, objectLimits } from "./log-paths.ts";
import type { PinnedTrail } from "./pin-trail.ts";
import type { ServedContext } from "./served-context.ts";
import type { ServedKeys, SigningKeys } from "./served-keys.ts";

/** A pinned head whose signatures hold, and whether the keys that made them follow from the trail's first ones. */
export interface SignedHead extends StatedHead {
  readonly isProven: boolean;
  /** The keys are being changed at just this size. */
  readonly isBefore: boolean;
}

/** Opens the pinned checkpoint strictly with the keys in force at its size. What does not open is reported. */
export function openServedHead(
  { report }: ServedContext,
  pinned: PinnedTrail,
  signing: readonly SigningKeys[],
): SignedHead | undefined {
  const trail = pinned.listed.name;
  let failure: Extract<OpenedCheckpoint, { kind: "invalid" }> | undefined;
  for (const { keys, isProven, isBefore = false } of signing) {
    const opened = openCheckpoint(pinned.note, keys, { strict: true });
    if (opened.kind === "invalid") {
      failure ??= opened;
      continue;
    }
    if (!isProven) {
      report.unchecked(
        `${trail}: whether the keys that sign now follow from its first ones; only an entry of evident says so, and it was not seen`,
      );
    }
    return { ...pinned.head, isProven, isBefore };
  }
  const kind = failure === undefined ? "signature" : invalidKind(failure.why);
  const detail = failure?.detail ?? "no key of this trail is known";
  report.add({ trail, index: null, kind, file: logPaths(trail).checkpoint, detail });
  return undefined;
}

/** Opens the notes of key changes up to the pinned head. */
export async function openServedRotations(
  context: ServedContext,
  pinned: PinnedTrail,
  { facts }: ServedKeys,
  isUnderWay: boolean,
): Promise<OpenedRotation[]> {
  const notes = servedRotations(context, pinned);
  const generations = isUnderWay ? facts.generations.slice(0, -1) : facts.generations;
  if (isUnderWay) {
    context.report.unchecked(`${facts.trail}: the change of its keys at size ${pinned.head.size}, which was under way`);
  }
  const opened = await checkRotations({ ...facts, generations }, notes, context.report);
  const isComplete = facts.generations.length > pinned.rotations.length;
  return isComplete ? opened : [...opened, ...(await openWithKnown(context, pinned, facts.generations[0]?.keys ?? []))];
}

function servedRotations({ client, report }: ServedContext, { listed, rotations }: PinnedTrail): RotationNotes {
  const paths = logPaths(listed.name);
  return {
    sizes: rotations,
    file: (size) => paths.rotation(size),
    read: async (size) => {
      const answer = await client.fetch(paths.rotation(size), objectLimits.note);
      if (answer.kind === "broken") report.unchecked(`${listed.name}: ${paths.rotation(size)}: ${answer.why}`);
      return answer.kind === "found" ? answer.bytes : undefined;
    },
  };
}

/** Where the keys of some generation are not known, a note still tells what the known ones of its four signatures cover. */
async function openWithKnown(
  context: ServedContext,
  pinned: PinnedTrail,
  genesis: readonly string[],
): Promise<OpenedRotation[]> {
  const { report } = context;
  const trail = pinned.listed.name;
  const notes = servedRotations(context, pinned);
  const known = [...new Set([...genesis, ...pinned.stated.flat()])];
  const opened: OpenedRotation[] = [];
  for (const size of pinned.rotations) {
    const file = notes.file(size);
    const note = await notes.read(size);
    const verdict = note === undefined ? undefined : openCheckpoint(note, known, { strict: false });
    if (verdict === undefined) {
      const detail = "the note by which the keys were changed is not there";
      report.add({ trail, index: null, kind: "missing", file, detail });
    } else if (verdict.kind === "valid" && verdict.checkpoint.size === BigInt(size)) {
      opened.push({ file, head: { size, root: verdict.checkpoint.root } });
    } else if (verdict.kind === "valid") {
      const detail = `the note is for size ${verdict.checkpoint.size}, its name says ${size}`;
      report.add({ trail, index: null, kind: "edited", file, detail });
    } else if (verdict.why === "missing_signature") {
      report.unchecked(`${trail}: the change of its keys at size ${size}, which no known key signed`);
    } else {
      report.add({ trail, index: null, kind: invalidKind(verdict.why), file, detail: verdict.detail });
    }
  }
  return opened;
}
