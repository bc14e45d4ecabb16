import { join } from "node:path";
import {
  findWalRecord,
  parseWalFileName,
  scanWal,
  toBase64,
  type WalHeader,
  walFileName,
  walSizes,
} from "@evident/core";
import { digestFile } from "./check-blob.ts";
import { fileSize, listFiles } from "./list-files.ts";
import type { Report } from "./report.ts";
import { readPiece } from "./run-task.ts";
import type { WalRecordFacts } from "./tasks.ts";
import { cutWalFile } from "./wal-pieces.ts";
import { WalRuns } from "./wal-runs.ts";
import { inOrder, type TaskRunner } from "./worker-pool.ts";

/** What the log was found to hold. */
export interface WalFindings {
  readonly runs: WalRuns;
  /** Published heads in the closing record; undefined when the log was not closed. */
  readonly heads: WalHeader["heads"] | undefined;
  /** Of the newest files; 0 when there are none. */
  readonly epoch: number;
  /** The newest file below the data directory, or the folder when there is none. */
  readonly lastFile: string;
  /** File before the oldest one, which is removed only when all its entries are sealed. */
  readonly earlierFile: string | undefined;
  /**
   * File after the newest one, when that ends with a whole record and is neither closed nor filled up with zeros: then it was cut there,
   * or another one followed.
   */
  readonly nextFile: string | undefined;
  /** Files that a crash may leave behind: spares and replaced epochs. Allowed only when the log was not closed. */
  readonly leftovers: readonly string[];
}

interface WalFile {
  readonly name: string;
  readonly epoch: number;
  readonly file: number;
  readonly sizeBytes: number;
}

/** Where a torn tail or a corrupt stretch begins in a file. */
type Ending =
  | { readonly kind: "clean" | "zeros" }
  | { readonly kind: "torn"; readonly offset: number }
  | { readonly kind: "corrupt"; readonly offset: number; readonly resumeAt: number | undefined };

const TAIL_BYTES = 2 * (walSizes.body + walSizes.header);
const nameOf = (epoch: number, file: number): string => `wal/${walFileName(epoch, file)}`;
const ZEROS = toBase64(new Uint8Array(32));

/** Reads every file of the log: records, signatures, the chain through all files of the newest epoch, and what follows the last record. */
export class WalScanner {
  readonly #dataDir: string;
  readonly #key: Uint8Array | undefined;
  readonly #runner: TaskRunner;
  readonly #report: Report;
  readonly #runs = new WalRuns();
  readonly #recovered: NonNullable<WalHeader["recovered"]>[number][] = [];
  #previous: { readonly header: WalHeader; readonly digest: Uint8Array } | undefined;
  #isChained = false;
  #lastEnding: Ending["kind"] | undefined;
  /** An unsigned record that nothing signed has followed yet. */
  #suspect: { readonly record: WalRecordFacts; readonly file: WalFile } | undefined;
  #close: { readonly heads: WalHeader["heads"]; readonly file: string } | undefined;

  constructor(options: {
    readonly dataDir: string;
    readonly key: Uint8Array | undefined;
    readonly runner: TaskRunner;
    readonly report: Report;
  }) {
    this.#dataDir = options.dataDir;
    this.#key = options.key;
    this.#runner = options.runner;
    this.#report = options.report;
  }

  async scan(): Promise<WalFindings> {
    const { files, older, spares } = this.#listFiles();
    if (files.length === 0) this.#problem("missing", "wal", "there is no file of the log");
    for (const [i, file] of files.entries()) {
      const before = files[i - 1];
      if (before !== undefined && file.file !== before.file + 1) {
        const missing = nameOf(file.epoch, before.file + 1);
        this.#problem("missing", missing, `the log goes on in ${file.name}, but the file before it is not there`);
        this.#isChained = false;
      }
      await this.#scanFile(file, i === files.length - 1);
    }
    this.#judgeSuspect(files.at(-1));
    const [first, last] = [files[0], files.at(-1)];
    const isOpen = last !== undefined && this.#close === undefined && this.#lastEnding === "clean";
    return {
      runs: this.#runs,
      heads: this.#close?.heads,
      epoch: last?.epoch ?? 0,
      lastFile: last === undefined ? "wal" : `wal/${last.name}`,
      earlierFile: first === undefined || first.file === 0 ? undefined : nameOf(first.epoch, first.file - 1),
      nextFile: isOpen ? nameOf(last.epoch, last.file + 1) : undefined,
      leftovers: [...spares, ...this.#judgeOlder(older)],
    };
  }

  #problem(kind: "edited" | "missing" | "malformed" | "stray" | "signature", file: string, detail: string): void {
    this.#report.add({ trail: "", index: null, kind, file, detail });
  }

  #listFiles(): { files: WalFile[]; older: WalFile[]; spares: string[] } {
    const all: WalFile[] = [];
    const spares: string[] = [];
    for (const { path, kind } of listFiles(this.#dataDir, "wal")) {
      const name = path.slice("wal/".length);
      const parsed = kind === "file" ? parseWalFileName(name) : undefined;
      if (parsed !== undefined) {
        all.push({ name, ...parsed, sizeBytes: fileSize(join(this.#dataDir, path)) ?? 0 });
      } else if (kind === "file" && /^\d{8}-\d{8}\.spare$/.test(name)) {
        spares.push(path);
      } else {
        this.#problem("stray", path, "this is not a file of the log");
      }
    }
    const epoch = all.reduce((newest, file) => Math.max(newest, file.epoch), 0);
    return {
      files: all.filter((file) => file.epoch === epoch),
      older: all.filter((file) => file.epoch !== epoch),
      spares,
    };
  }

  async #scanFile(file: WalFile, isLast: boolean): Promise<void> {
    const path = join(this.#dataDir, "wal", file.name);
    let from: number | undefined = 0;
    while (from !== undefined) {
      const { pieces, end } = cutWalFile(path, file.sizeBytes, from);
      let brokenAt = end;
      const tasks = pieces.map((piece) => ({
        kind: "wal" as const,
        dataDir: this.#dataDir,
        path,
        ...piece,
        key: this.#key,
      }));
      for await (const { result } of inOrder(this.#runner, tasks)) {
        for (const record of result.records) this.#take(record, file);
        if (result.brokenAt === undefined) continue;
        brokenAt = result.brokenAt;
        break;
      }
      from = this.#judgeEnding(this.#findEnding(path, file.sizeBytes, brokenAt), file, isLast);
    }
  }

  #findEnding(path: string, sizeBytes: number, offset: number): Ending {
    if (offset === sizeBytes) return { kind: "clean" };
    // From the beginning of a sector: a crash leaves or loses sectors whole.
    const start = offset - (offset % walSizes.sector);
    const rest = readPiece(path, start, Math.min(TAIL_BYTES, sizeBytes - start));
    const { tail } = scanWal(rest, this.#key, offset - start);
    if (tail === "clean" || tail === "zeros") {
      // Longer stretches of zeros are preallocated by no one.
      return start + rest.length === sizeBytes ? { kind: tail } : { kind: "corrupt", offset, resumeAt: undefined };
    }
    if (tail === "torn") return { kind: "torn", offset };
    const next = findWalRecord(rest, offset - start + 1, this.#key);
    return { kind: "corrupt", offset, resumeAt: next === undefined ? undefined : start + next };
  }

  /** Reports what follows the records of a file and returns where to go on, if anywhere. */
  #judgeEnding(ending: Ending, file: WalFile, isLast: boolean): number | undefined {
    const name = `wal/${file.name}`;
    this.#lastEnding = ending.kind;
    if (ending.kind === "corrupt") {
      this.#isChained = false;
      this.#problem("edited", name, `what lies at byte ${ending.offset} is no record, although more follows`);
      return ending.resumeAt;
    }
    if (ending.kind === "clean") return undefined;
    if (this.#close !== undefined) {
      this.#problem("edited", name, "bytes follow the closing record");
    } else if (!isLast) {
      this.#isChained = false;
      this.#problem("edited", name, "the file does not end with its last record, although the log goes on in the next");
    } else if (ending.kind === "torn") {
      this.#tornTail(name, ending.offset);
    }
    return undefined;
  }

  #tornTail(file: string, offset: number): void {
    const detail = `an unfinished record at byte ${offset}: a crash leaves one, and what it held was never acknowledged`;
    this.#report.add({ trail: "", index: null, kind: "torn_tail", severity: "gap", file, detail });
  }

  #take(record: WalRecordFacts, file: WalFile): void {
    const { header } = record;
    if (this.#close !== undefined) {
      this.#problem("edited", `wal/${file.name}`, `a record at byte ${record.offset} follows the closing record`);
    }
    if (!record.signed) {
      this.#confirmSuspect();
      this.#suspect = { record, file };
      return;
    }
    this.#confirmSuspect();
    this.#checkLink(record, file);
    this.#previous = { header, digest: record.digest };
    this.#isChained = true;
    this.#recovered.push(...(header.recovered ?? []));
    if (header.close === true) this.#close = { heads: header.heads ?? [], file: file.name };
    for (const part of record.parts) this.#runs.add(part, `wal/${file.name}`, true);
  }

  #checkLink({ header, offset }: WalRecordFacts, file: WalFile): void {
    const name = `wal/${file.name}`;
    const at = `the record at byte ${offset}`;
    if (header.epoch !== file.epoch) this.#problem("edited", name, `${at} is of epoch ${header.epoch}`);
    if (this.#isChained && this.#previous !== undefined) {
      if (header.seq !== this.#previous.header.seq + 1 || header.prev !== toBase64(this.#previous.digest)) {
        this.#problem("missing", name, `${at} (number ${header.seq}) does not follow the one before it`);
      }
    } else if (file.file === 0 && offset === 0 && (header.seq !== 0 || header.prev !== ZEROS)) {
      this.#problem("missing", name, `the log begins with record ${header.seq}`);
    }
  }

  /** Another record follows the unsigned one, so no crash has left it: its entries are held against the tree. */
  #confirmSuspect(): void {
    if (this.#suspect === undefined) return;
    const { record, file } = this.#suspect;
    this.#suspect = undefined;
    this.#isChained = false;
    const name = `wal/${file.name}`;
    const [part] = record.header.trails;
    this.#report.add({
      trail: part?.trail ?? "",
      index: part?.first ?? null,
      ...(part === undefined ? {} : { end: part.first + part.count }),
      kind: "signature",
      file: name,
      detail: `the signature of the record at byte ${record.offset} does not hold`,
    });
    for (const each of record.parts) this.#runs.add(each, name, false);
  }

  /** An unsigned record at the very end counts as never written. */
  #judgeSuspect(last: WalFile | undefined): void {
    if (this.#suspect === undefined) return;
    const { record, file } = this.#suspect;
    if (file.name !== last?.name || this.#close !== undefined) this.#confirmSuspect();
    else this.#tornTail(`wal/${file.name}`, record.offset);
  }

  /** Files of an older epoch may lie there only as the newest epoch found and copied them. */
  #judgeOlder(older: readonly WalFile[]): string[] {
    const leftovers: string[] = [];
    for (const file of older) {
      const path = `wal/${file.name}`;
      const named = this.#recovered.find((each) => each.file === file.name);
      const found = digestFile(join(this.#dataDir, path));
      const isSame =
        named?.sizeBytes === found?.sizeBytes && named?.sha256 === toBase64(found?.sha256 ?? new Uint8Array());
      if (named !== undefined && isSame) leftovers.push(path);
      else this.#problem("stray", path, "the file is of an earlier epoch and not the one that was recovered");
    }
    return leftovers;
  }
}
