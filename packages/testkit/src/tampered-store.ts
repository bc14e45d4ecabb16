import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type VerifyReport, verifyDirectory } from "@evident/server";
import { type MadeStore, storeFiles } from "./make-store.ts";

const MAX_UNDETECTED = 20;

/** One change to a store: what the report must name, how to make it, how to undo it. */
export interface Tampering {
  readonly name: string;
  /** Files of which the report must name at least one. */
  readonly files: readonly string[];
  apply(): void;
  undo(): void;
}

type Content = ReadonlyMap<string, Uint8Array>;

function summary(report: VerifyReport): string {
  return report.problems.map(({ kind, file, trail, index }) => `${kind} ${file} ${trail}:${index}`).join("; ");
}

/** A cleanly stopped store whose files are changed one way after the other, each time from the same state. */
export class TamperedStore {
  readonly store: MadeStore;
  /** Every file below `trails/`, `wal/` and `blobs/`. */
  readonly files: readonly string[];

  constructor(store: MadeStore) {
    this.store = store;
    this.files = storeFiles(store.dataDir);
    for (const file of this.files) chmodSync(this.path(file), 0o600);
  }

  path(file: string): string {
    return join(this.store.dataDir, file);
  }

  read(file: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(file)));
  }

  write(file: string, bytes: Uint8Array): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), bytes);
  }

  /** A change of one file's content; `content` undefined removes the file. */
  rewrite(name: string, file: string, content: Uint8Array | undefined): Tampering {
    const original = this.read(file);
    return {
      name: `${name} ${file}`,
      files: [file],
      apply: () => (content === undefined ? rmSync(this.path(file)) : this.write(file, content)),
      undo: () => this.write(file, original),
    };
  }

  /** A file that does not belong there. */
  add(name: string, file: string, content: Uint8Array): Tampering {
    return {
      name: `${name} ${file}`,
      files: [file],
      apply: () => this.write(file, content),
      undo: () => this.#removeStray(file),
    };
  }

  /** Another thing in a file's place; `place` gets the path, and where the file itself lies meanwhile. */
  replace(name: string, file: string, place: (path: string, aside: string) => void): Tampering {
    const path = this.path(file);
    const aside = join(this.store.dataDir, "aside");
    return {
      name: `${name} ${file}`,
      // Nothing but its name in the log knows which file the log was.
      files: file.startsWith("wal/") ? [file, "wal"] : [file],
      apply: () => {
        renameSync(path, aside);
        place(path, aside);
      },
      undo: () => {
        rmSync(path, { recursive: true });
        renameSync(aside, path);
      },
    };
  }

  swap(left: string, right: string): Tampering {
    const exchange = (): void => {
      const aside = join(this.store.dataDir, "aside");
      renameSync(this.path(left), aside);
      renameSync(this.path(right), this.path(left));
      renameSync(aside, this.path(right));
    };
    return { name: `swap ${left} and ${right}`, files: [left, right], apply: exchange, undo: exchange };
  }

  /** Everything below some prefixes as an earlier copy has it; undefined when that changes nothing. */
  putBack(name: string, copy: Content, prefixes: readonly string[]): Tampering | undefined {
    const isMeant = (file: string): boolean => prefixes.some((prefix) => file.startsWith(prefix));
    const now = new Map(this.files.filter(isMeant).map((file) => [file, this.read(file)]));
    const then = new Map([...copy].filter(([file]) => isMeant(file)));
    const all = [...new Set([...now.keys(), ...then.keys()])];
    const isSame = (file: string): boolean => {
      const [a, b] = [now.get(file), then.get(file)];
      return a !== undefined && b !== undefined && Buffer.from(a).equals(b);
    };
    const changed = all.filter((file) => !isSame(file));
    if (changed.length === 0) return undefined;
    const lay = (content: Content): void => {
      for (const file of changed) {
        const bytes = content.get(file);
        if (bytes !== undefined) this.write(file, bytes);
        else rmSync(this.path(file), { force: true });
      }
    };
    return { name, files: [...all, "wal"], apply: () => lay(then), undo: () => lay(now) };
  }

  /** Verifies after each change and returns, for at most 20 of them, what is wrong with the report. */
  async findUndetected(tamperings: Iterable<Tampering>): Promise<readonly string[]> {
    const undetected: string[] = [];
    for (const tampering of tamperings) {
      const missed = await this.#judge(tampering);
      if (missed !== undefined && undetected.push(missed) >= MAX_UNDETECTED) break;
    }
    return undetected;
  }

  async #judge(tampering: Tampering): Promise<string | undefined> {
    tampering.apply();
    try {
      const report = await verifyDirectory(this.store.dataDir, { keys: this.store.genesis });
      if (report.verdict !== "failed") return `${tampering.name}: ${report.verdict} ${summary(report)}`;
      const isNamed = report.problems.some(({ file }) => file !== undefined && tampering.files.includes(file));
      return isNamed ? undefined : `${tampering.name}: the report names another place: ${summary(report)}`;
    } catch (error) {
      return `${tampering.name}: ${error instanceof Error ? error.stack : String(error)}`;
    } finally {
      tampering.undo();
    }
  }

  /** Removes a file and the folders that only it was in. */
  #removeStray(file: string): void {
    rmSync(this.path(file));
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      if (this.files.some((each) => each.startsWith(`${folder}/`)) || !folder.includes("/")) return;
      rmSync(this.path(folder), { recursive: true });
    }
  }
}
