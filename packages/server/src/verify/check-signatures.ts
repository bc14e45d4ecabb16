import { join } from "node:path";
import { equalBytes, type OpenedCheckpoint, openCheckpoint, parseTrailPath, rotationPath } from "@evident/core";
import { fileSize, listFiles } from "./list-files.ts";
import type { Report } from "./report.ts";
import { readPiece } from "./run-task.ts";
import type { Generation, TrailFacts } from "./store-facts.ts";
import type { StatedHead } from "./trail-head.ts";
import type { ProblemKind } from "./types.ts";

const LARGEST_NOTE_BYTES = 1 << 20;

type Invalid = Extract<OpenedCheckpoint, { kind: "invalid" }>;

const invalidKinds: Readonly<Record<Invalid["why"], ProblemKind>> = {
  malformed: "malformed",
  not_canonical: "malformed",
  unknown_key: "signature",
  bad_signature: "signature",
  missing_signature: "signature",
  wrong_origin: "edited",
};

/** The kind of problem behind a checkpoint that does not open. */
export function invalidKind(why: Invalid["why"]): ProblemKind {
  return invalidKinds[why];
}

/** A checkpoint as it opened, and the keys that it was signed with. */
export interface OpenedHead {
  readonly opened: OpenedCheckpoint;
  readonly by: Generation | undefined;
}

/**
 * Opens a checkpoint strictly: both signatures of the newest generation. After a crash that of the generation before may still stand,
 * but never beyond the size at which it was changed: it signs nothing more then.
 */
export function openTrailCheckpoint(
  note: Uint8Array,
  generations: readonly Generation[],
  mayBeOld: boolean,
): OpenedHead {
  const [newest, before] = generations.toReversed();
  const opened = openCheckpoint(note, newest?.keys ?? [], { strict: true });
  if (opened.kind === "valid") return { opened, by: newest };
  if (mayBeOld && newest !== undefined && before !== undefined) {
    const old = openCheckpoint(note, before.keys, { strict: true });
    if (old.kind === "valid" && old.checkpoint.size <= BigInt(newest.size)) return { opened: old, by: before };
  }
  return { opened, by: undefined };
}

/** A rotation note whose four signatures hold, and the root that the tree must have at its size. */
export interface OpenedRotation {
  readonly file: string;
  readonly head: StatedHead;
}

/** Where the notes of key rotations are read, and how they are named in a report. */
export interface RotationNotes {
  /** Sizes for which there are notes, smallest first. */
  readonly sizes: readonly number[];
  readonly read: (size: number) => Promise<Uint8Array | undefined>;
  readonly file: (size: number) => string;
}

/** The rotation notes in a trail's folder. */
export function storedRotations(dataDir: string, trail: string): RotationNotes {
  const folder = `trails/${trail}`;
  const sizes = [...listFiles(dataDir, `${folder}/rotations`)].flatMap(({ path }) => {
    const parsed = parseTrailPath(path.slice(folder.length + 1));
    return parsed?.kind === "rotation" ? [parsed.size] : [];
  });
  const file = (size: number): string => `${folder}/${rotationPath(size)}`;
  const read = (size: number): Promise<Uint8Array | undefined> => {
    const path = join(dataDir, file(size));
    const sizeBytes = fileSize(path);
    if (sizeBytes === undefined) return Promise.resolve(undefined);
    return Promise.resolve(readPiece(path, 0, Math.min(sizeBytes, LARGEST_NOTE_BYTES)));
  };
  return { sizes, read, file };
}

/**
 * Opens the note of every rotation that was stated: one checkpoint signed by the keys before and after.
 *
 * Anybody can add signatures of keys of his own to a checkpoint, so the note alone does not show that the old keys agreed to the new
 * ones. The statement does, under a head that the old keys signed: for other trails one of `evident`, for `evident` the note itself,
 * which has to cover the statement.
 *
 * @param isUnderWay the newest keys have signed nothing yet, as a crash between the statement and the note leaves it
 */
export async function checkRotations(
  facts: TrailFacts,
  notes: RotationNotes,
  report: Report,
  isUnderWay = false,
): Promise<OpenedRotation[]> {
  const { trail, generations } = facts;
  const opened: OpenedRotation[] = [];
  for (const [i, { keys, size, index }] of generations.entries()) {
    const before = generations[i - 1];
    if (before === undefined) continue;
    const file = notes.file(size);
    if (trail === "evident" && size <= index) {
      const detail = `entry ${index} states other keys, but no head that the old keys signed holds that entry`;
      report.add({ trail, index, kind: "signature", file, detail });
    }
    const note = await notes.read(size);
    if (note === undefined && isUnderWay && i === generations.length - 1) {
      const detail = `a change of keys at size ${size} was interrupted; the next start finishes it`;
      report.add({ trail, index: null, kind: "interrupted", severity: "gap", file, detail });
      continue;
    }
    const rotation = openRotation(note, [...before.keys, ...keys], size);
    if ("why" in rotation) report.add({ trail, index: null, kind: rotation.kind, file, detail: rotation.why });
    else opened.push({ file, head: rotation });
  }
  return opened;
}

function openRotation(
  note: Uint8Array | undefined,
  keys: readonly string[],
  size: number,
): StatedHead | { readonly kind: ProblemKind; readonly why: string } {
  if (note === undefined) return { kind: "missing", why: "the note by which the keys were changed is not there" };
  const opened = openCheckpoint(note, keys, { strict: true });
  if (opened.kind === "invalid") return { kind: invalidKind(opened.why), why: opened.detail };
  if (opened.checkpoint.size !== BigInt(size)) {
    return { kind: "edited", why: `the note is for size ${opened.checkpoint.size}, its name says ${size}` };
  }
  return { size, root: opened.checkpoint.root };
}

/** Whether two lists hold the same keys. */
export function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join() === [...b].sort().join();
}

export function sameHead(a: StatedHead, b: StatedHead): boolean {
  return a.size === b.size && equalBytes(a.root, b.root);
}
