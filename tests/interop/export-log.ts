import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundlePath, consistencyPath, partialTiles, TILE_WIDTH, tilePath, toBase64 } from "@evident/core";
import type { Ledger } from "@evident/server";

/** What the Go program reads, and where it goes. */
export interface LogExport {
  readonly ledger: Ledger;
  readonly trail: string;
  readonly directory: string;
  /** Checkpoints collected while the trail grew, by size, the newest last. */
  readonly checkpoints: ReadonlyMap<number, Uint8Array>;
  /** Indexes whose receipts to export. */
  readonly receipts: readonly number[];
}

function write(directory: string, path: string, content: Uint8Array | string | undefined): void {
  if (content === undefined) throw new Error(`the ledger does not serve ${path}`);
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

/** Full tiles once, and the partial ones of every size that was published, as the tlog-tiles endpoints serve them. */
async function writeTiles({ ledger, trail, directory, checkpoints }: LogExport): Promise<void> {
  const sizes = [...checkpoints.keys()];
  const newest = sizes.at(-1) ?? 0;
  for (let level = 0; newest >= TILE_WIDTH ** (level + 1); level += 1) {
    for (let n = 0; (n + 1) * TILE_WIDTH ** (level + 1) <= newest; n += 1) {
      write(directory, tilePath(level, n, TILE_WIDTH), await ledger.tile(trail, level, n, TILE_WIDTH));
      if (level === 0) write(directory, bundlePath(n, TILE_WIDTH), await ledger.bundle(trail, n, TILE_WIDTH));
    }
  }
  for (const { level, n, width } of sizes.flatMap(partialTiles)) {
    write(directory, tilePath(level, n, width), await ledger.tile(trail, level, n, width));
    if (level === 0) write(directory, bundlePath(n, width), await ledger.bundle(trail, n, width));
  }
}

async function writeProofs(options: LogExport): Promise<void> {
  const { ledger, trail, directory, checkpoints, receipts } = options;
  for (const index of receipts) {
    write(directory, `proofs/${index}.tlog-proof`, await ledger.receipt(trail, index));
  }
  const sizes = [...checkpoints.keys()].filter((size) => size > 0);
  for (const [at, newer] of sizes.entries()) {
    for (const older of sizes.slice(0, at)) {
      const path = await consistencyPath(older, newer, async (level, n, width) => {
        const tile = await ledger.tile(trail, level, n, width);
        if (tile === undefined) throw new Error(`the ledger does not serve tile ${level}/${n} of width ${width}`);
        return tile;
      });
      write(directory, `consistency/${older}-${newer}`, path.map((hash) => `${toBase64(hash)}\n`).join(""));
    }
  }
}

/** Writes a trail as the HTTP endpoints serve it, with its keys and proofs beside it. */
export async function exportLog(options: LogExport): Promise<void> {
  const { ledger, trail, directory, checkpoints } = options;
  const info = ledger.trail(trail);
  const keys = new Set([...(info?.genesis ?? []), ...(info?.keys ?? [])]);
  // Key type 01 is Ed25519; the ML-DSA keys are for readers that know them.
  const isEd25519 = (key: string): boolean => Buffer.from(key.split("+").slice(2).join("+"), "base64")[0] === 1;
  write(directory, "verifier-keys", [...keys].filter(isEd25519).join("\n"));
  const notes = [...checkpoints];
  write(directory, "checkpoint", notes.pop()?.[1]);
  for (const [size, note] of notes) write(directory, `checkpoints/${size}`, note);
  for (const { size, note } of await ledger.rotations(trail)) write(directory, `rotations/${size}.note`, note);
  await writeTiles(options);
  await writeProofs(options);
}
