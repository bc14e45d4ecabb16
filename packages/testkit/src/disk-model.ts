import { posix } from "node:path";

/** One step of a recorded run. Paths are relative to the recorded root, with `/`. Files are followed by inode, so a rename keeps their writes. */
export type DiskStep =
  | { readonly kind: "create"; readonly path: string; readonly inode: number }
  | { readonly kind: "makeDirectory"; readonly path: string }
  | { readonly kind: "write"; readonly inode: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly inode: number; readonly sizeBytes: number }
  /** `covers`: number of steps that had finished when the sync began. It promises nothing of later ones. */
  | { readonly kind: "syncFile"; readonly inode: number; readonly covers: number }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly inode: number }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "syncDirectory"; readonly path: string; readonly covers: number }
  /** Something that the outside saw: an acknowledgement, a checkpoint. */
  | { readonly kind: "mark"; readonly label: string; readonly value: unknown };

/**
 * What a power cut leaves of the writes that no barrier has made durable.
 * `lost`: nothing. `kept`: everything. `names`: names but no data. `sized`: names and lengths, the data reads as zeros.
 * `reordered`: any subset of the names of a directory in order, of the writes, and of a write's sectors.
 */
export type Survival = "lost" | "kept" | "names" | "sized" | "reordered";

/** The files and directories found after a power cut. */
export interface DiskImage {
  readonly directories: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

type DataStep = Extract<DiskStep, { readonly kind: "write" | "truncate" }>;
type NameStep = Extract<DiskStep, { readonly kind: "create" | "makeDirectory" | "rename" | "remove" }>;

interface Pending<Step> {
  readonly step: Step;
  /** Position of the step in the run. */
  readonly at: number;
}

interface Inode {
  durable: Uint8Array;
  pending: readonly Pending<DataStep>[];
}

interface Names {
  readonly files: Map<string, number>;
  readonly directories: Set<string>;
}

const sectorBytes = [512, 4096] as const;

/**
 * What POSIX promises of a disk, and nothing more: data is durable after a sync of its file, a name after a sync of its
 * directory; until then each write may be there, missing or torn at a sector, in any order.
 */
export class DiskModel {
  readonly #inodes = new Map<number, Inode>();
  readonly #durable: Names = { files: new Map(), directories: new Set([""]) };
  #pendingNames: readonly Pending<NameStep>[] = [];
  #applied = 0;

  apply(step: DiskStep): void {
    const at = this.#applied;
    this.#applied += 1;
    switch (step.kind) {
      case "create":
        this.#inodes.set(step.inode, { durable: new Uint8Array(0), pending: [] });
        this.#pendingNames = [...this.#pendingNames, { step, at }];
        return;
      case "makeDirectory":
      case "rename":
      case "remove":
        this.#pendingNames = [...this.#pendingNames, { step, at }];
        return;
      case "write":
      case "truncate": {
        const inode = this.#inode(step.inode);
        inode.pending = [...inode.pending, { step, at }];
        return;
      }
      case "syncFile": {
        const inode = this.#inode(step.inode);
        const covered = inode.pending.filter((pending) => pending.at < step.covers);
        inode.durable = covered.reduce((content, pending) => applyData(content, pending.step), inode.durable);
        inode.pending = inode.pending.filter((pending) => pending.at >= step.covers);
        return;
      }
      case "syncDirectory": {
        const isCovered = (pending: Pending<NameStep>): boolean =>
          pending.at < step.covers && directoriesOf(pending.step).includes(step.path);
        const covered = this.#pendingNames.filter(isCovered);
        for (const { step: name } of covered) applyName(this.#durable, name);
        const moved = covered.flatMap(({ step: name }) => (name.kind === "rename" ? [name.inode] : []));
        this.#pendingNames = this.#pendingNames.filter(
          (pending) => !isCovered(pending) && !(pending.step.kind === "create" && moved.includes(pending.step.inode)),
        );
        return;
      }
      case "mark":
    }
  }

  /** Number of steps that the next power cut may take. */
  get pendingSteps(): number {
    let count = this.#pendingNames.length;
    for (const inode of this.#inodes.values()) count += inode.pending.length;
    return count;
  }

  /** What a power cut now would leave. `random` decides in `reordered`. */
  image(survival: Survival, random: () => number): DiskImage {
    const names: Names = {
      files: new Map(this.#durable.files),
      directories: new Set(this.#durable.directories),
    };
    for (const name of this.#survivingNames(survival, random)) applyName(names, name);
    const directories = [...names.directories].filter((path) => isReachable(names, path)).sort();
    const files = new Map<string, Uint8Array>();
    for (const [path, inode] of names.files) {
      if (isReachable(names, posix.dirname(path))) files.set(path, survivingData(this.#inode(inode), survival, random));
    }
    return { directories, files };
  }

  #survivingNames(survival: Survival, random: () => number): readonly NameStep[] {
    if (survival === "lost") return [];
    const names = this.#pendingNames.map(({ step }) => step);
    if (survival !== "reordered") return names;
    const cut = new Map<string, boolean>();
    return names.filter((name) => {
      const [directory = ""] = directoriesOf(name);
      const isCut = (cut.get(directory) ?? false) || random() < 0.3;
      cut.set(directory, isCut);
      return !isCut;
    });
  }

  #inode(inode: number): Inode {
    const found = this.#inodes.get(inode);
    if (found === undefined) throw new Error(`step on inode ${inode}, which was never created`);
    return found;
  }
}

/** The directory whose sync makes a name durable, first the one it appears in. */
function directoriesOf(step: NameStep): readonly string[] {
  const parent = (path: string): string => (posix.dirname(path) === "." ? "" : posix.dirname(path));
  return step.kind === "rename" ? [parent(step.to), parent(step.from)] : [parent(step.path)];
}

function isReachable(names: Names, directory: string): boolean {
  const path = directory === "." ? "" : directory;
  return path === "" || (names.directories.has(path) && isReachable(names, posix.dirname(path)));
}

function applyName(names: Names, step: NameStep): void {
  switch (step.kind) {
    case "create":
      names.files.set(step.path, step.inode);
      return;
    case "makeDirectory":
      names.directories.add(step.path);
      return;
    case "remove":
      names.files.delete(step.path);
      names.directories.delete(step.path);
      return;
    case "rename":
      // The file moves even where the directory that it was made in was never synced.
      if (names.files.get(step.from) === step.inode) names.files.delete(step.from);
      names.files.set(step.to, step.inode);
  }
}

function applyData(content: Uint8Array, step: DataStep): Uint8Array {
  if (step.kind === "truncate") return resized(content, step.sizeBytes);
  const next = resized(content, Math.max(content.length, step.offset + step.bytes.length));
  next.set(step.bytes, step.offset);
  return next;
}

function resized(content: Uint8Array, sizeBytes: number): Uint8Array {
  const next = new Uint8Array(sizeBytes);
  next.set(content.subarray(0, sizeBytes));
  return next;
}

function survivingData(inode: Inode, survival: Survival, random: () => number): Uint8Array {
  const { durable } = inode;
  const pending = inode.pending.map(({ step }) => step);
  switch (survival) {
    case "lost":
    case "names":
      return durable;
    case "kept":
      return pending.reduce(applyData, durable);
    case "sized":
      return pending.reduce((content, step) => applyData(content, unwritten(content, step)), durable);
    case "reordered":
      return pending.reduce((content, step) => {
        if (random() < 0.35) return content;
        return step.kind === "write" && random() < 0.5 ? torn(content, step, random) : applyData(content, step);
      }, durable);
  }
}

/** The length that a write gives its file, with the bytes that were there before. */
function unwritten(content: Uint8Array, step: DataStep): DataStep {
  if (step.kind === "truncate") return step;
  return { ...step, bytes: resized(content.subarray(step.offset), step.bytes.length) };
}

function torn(
  content: Uint8Array,
  step: Extract<DataStep, { readonly kind: "write" }>,
  random: () => number,
): Uint8Array {
  const sector = sectorBytes[random() < 0.5 ? 0 : 1];
  let next = content;
  let from = step.offset;
  const end = step.offset + step.bytes.length;
  while (from < end) {
    const to = Math.min(end, (Math.floor(from / sector) + 1) * sector);
    if (random() < 0.5) {
      const bytes = step.bytes.subarray(from - step.offset, to - step.offset);
      next = applyData(next, { ...step, offset: from, bytes });
    }
    from = to;
  }
  return next;
}
