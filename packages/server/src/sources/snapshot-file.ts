import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { SourceState } from "./source-state.ts";

/** Raised when the meaning of the state changes; older files are then ignored and everything is read again. */
const VERSION = 2;

/** The state of all sources up to a position in each trail. */
export interface Snapshot {
  readonly positions: Readonly<Record<string, number>>;
  readonly sources: readonly SourceState[];
}

const Envelope = Compile(
  Type.Object({
    version: Type.Literal(VERSION),
    positions: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    sources: Type.Array(
      Type.Object({ trail: Type.String(), source: Type.String(), minutes: Type.Array(Type.Object({})) }),
    ),
  }),
);

/** Reads a snapshot; undefined when there is none that can be used: it can be made again from the trails. */
export function readSnapshot(path: string): Snapshot | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Envelope.Check(found) ? (found as unknown as Snapshot) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a snapshot in place of the one before. It is not synced: one that a power cut leaves unreadable is made again. */
export function writeSnapshot(path: string, snapshot: Snapshot): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify({ version: VERSION, ...snapshot }), { mode: 0o600 });
  renameSync(temporary, path);
}
