import { writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { IndexDamage } from "./duck.ts";
import { encodeLineBlock, LineBlock, lineBlockRows, type PlacedLine } from "./line-block.ts";

/** Decoded blocks kept per file: pages often meet the same blocks again. */
const keptBlocks = 16;

/**
 * The lines of a hot table and of the segment it becomes, in order of arrival: compressed blocks one after
 * another in a file, the newest in memory. The file is only ever appended to, so that sealing has nothing to copy.
 */
export class LineStore {
  private readonly handle: FileHandle;
  /** Offset of each block, and of the end. */
  private readonly ends: number[];
  private waiting: PlacedLine[] = [];
  private readonly decoded = new Map<number, LineBlock>();

  private constructor(handle: FileHandle, ends: number[]) {
    this.handle = handle;
    this.ends = ends;
  }

  static async create(file: string): Promise<LineStore> {
    return new LineStore(await open(file, "w+"), [0]);
  }

  /**
   * @param offsets where each block begins, and the end
   * @throws IndexDamage when the file has another length
   */
  static async open(file: string, offsets: readonly number[]): Promise<LineStore> {
    const handle = await open(file, "r");
    const { size } = await handle.stat();
    if (size === offsets.at(-1)) return new LineStore(handle, [...offsets]);
    await handle.close();
    throw new IndexDamage(`${file} has ${size} bytes instead of ${offsets.at(-1)}`);
  }

  /** Offsets as `open` takes them. */
  get offsets(): readonly number[] {
    return this.ends;
  }

  append(line: PlacedLine): void {
    this.waiting.push(line);
    if (this.waiting.length === lineBlockRows) this.writeBlock();
  }

  private writeBlock(): void {
    const block = encodeLineBlock(this.waiting);
    const start = this.ends.at(-1) ?? 0;
    for (let at = 0; at < block.length; ) at += writeSync(this.handle.fd, block, at, block.length - at, start + at);
    this.ends.push(start + block.length);
    this.waiting = [];
  }

  /** Writes what waits; no line follows. Durable when it resolves. */
  async finish(): Promise<void> {
    if (this.waiting.length > 0) this.writeBlock();
    await this.handle.sync();
  }

  /** @throws IndexDamage when the stored block is not what was written */
  async read(block: number): Promise<LineBlock> {
    const kept = this.decoded.get(block);
    if (kept !== undefined) {
      this.decoded.delete(block);
      this.decoded.set(block, kept);
      return kept;
    }
    const start = this.ends[block];
    const end = this.ends[block + 1];
    if (start === undefined) throw new IndexDamage(`there is no block ${block} of lines`);
    if (end === undefined) return new LineBlock(encodeLineBlock(this.waiting));
    const decoded = await this.decode(block, start, end);
    this.decoded.set(block, decoded);
    for (const oldest of this.decoded.keys()) {
      if (this.decoded.size <= keptBlocks) break;
      this.decoded.delete(oldest);
    }
    return decoded;
  }

  private async decode(block: number, start: number, end: number): Promise<LineBlock> {
    const bytes = Buffer.allocUnsafe(end - start);
    const { bytesRead } = await this.handle.read(bytes, 0, bytes.length, start);
    if (bytesRead !== bytes.length) throw new IndexDamage(`block ${block} of lines is cut short`);
    try {
      return new LineBlock(bytes);
    } catch (cause) {
      throw new IndexDamage(`block ${block} of lines is damaged`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
