import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { ExportedEntry, ExportText } from "@evident/core";
import { fileError } from "../files/index.ts";
import type { Output } from "../terminal/index.ts";
import type { EntrySink, SinkResult } from "./entry-sink.ts";
import type { PartialFile } from "./partial-file.ts";

/** Where the bytes of a text export go. */
interface ByteTarget {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

class FileTarget implements ByteTarget {
  readonly #file: PartialFile;
  readonly #handle: FileHandle;

  private constructor(file: PartialFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  static async open(file: PartialFile): Promise<FileTarget> {
    const handle = await open(file.path, "wx", 0o600).catch((cause: unknown) => {
      throw fileError(file.path, cause);
    });
    return new FileTarget(file, handle);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
    } catch (cause) {
      throw fileError(this.#file.path, cause);
    }
  }

  async finish(): Promise<void> {
    await this.#handle.close();
    await this.#file.finish();
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await this.#file.discard();
  }
}

function outputTarget(out: Output): ByteTarget {
  out.wantWhole();
  const done = (): Promise<void> => Promise.resolve();
  const write = async (bytes: Uint8Array): Promise<void> => {
    await out.write(bytes);
  };
  return { write, finish: done, discard: done };
}

/** Writes entries as text, to a file or to stdout. */
export class TextSink implements EntrySink {
  readonly #target: ByteTarget;
  readonly #text: ExportText;
  readonly #hash: Hash = createHash("sha256");
  #sizeBytes = 0;
  #entries = 0;

  private constructor(target: ByteTarget, text: ExportText) {
    this.#target = target;
    this.#text = text;
  }

  static async open(to: PartialFile | Output, text: ExportText): Promise<TextSink> {
    const target = "path" in to ? await FileTarget.open(to) : outputTarget(to);
    const sink = new TextSink(target, text);
    await sink.#write(text.head);
    return sink;
  }

  async write(entries: readonly ExportedEntry[]): Promise<void> {
    this.#entries += entries.length;
    await this.#write(entries.map((entry) => this.#text.entry(entry)).join(""));
  }

  async finish(): Promise<SinkResult> {
    await this.#write(this.#text.end(this.#entries));
    await this.#target.finish();
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest("hex"), notes: [] };
  }

  discard(): Promise<void> {
    return this.#target.discard();
  }

  async #write(text: string): Promise<void> {
    if (text === "") return;
    const bytes = Buffer.from(text);
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
    await this.#target.write(bytes);
  }
}
