import { levelCount, TILE_WIDTH, type Tile, tilePath } from "@evident/core";
import type { LogClient } from "./log-client.ts";
import { logPaths, objectLimits } from "./log-paths.ts";
import { mapInOrder } from "./map-in-order.ts";

const PARALLEL = 8;

/**
 * Hash tiles of a pinned tree as the server gives them. Those above level 0 are kept: 32 bytes for each 256 entries. Each is fetched
 * once, so that a server cannot give one answer to one check and another to the next.
 */
export class ServedTiles {
  readonly #client: LogClient;
  readonly #trail: string;
  readonly #size: number;
  readonly #kept = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(client: LogClient, trail: string, size: number) {
    this.#client = client;
    this.#trail = trail;
    this.#size = size;
  }

  /** Bytes of a tile; undefined when the server gives none. The length may be wrong. */
  async fetch(tile: Tile): Promise<Uint8Array | undefined> {
    const answer = await this.#client.fetch(logPaths(this.#trail).tile(tile), objectLimits.tile);
    return answer.kind === "found" ? answer.bytes : undefined;
  }

  /** The same for a tile above level 0, or the last of level 0, fetched once. */
  read(tile: Tile): Promise<Uint8Array | undefined> {
    const path = tilePath(tile.level, tile.n, tile.width);
    const known = this.#kept.get(path);
    if (known !== undefined) return known;
    const fetched = this.fetch(tile);
    fetched.catch(() => undefined);
    this.#kept.set(path, fetched);
    return fetched;
  }

  /** Fetches all tiles above level 0. */
  async readUpper(): Promise<void> {
    for await (const _ of mapInOrder(this.#upper(), PARALLEL, (tile) => this.read(tile)));
  }

  *#upper(): Generator<Tile> {
    for (let level = 1; levelCount(level, this.#size) > 0; level += 1) {
      const count = levelCount(level, this.#size);
      for (let n = 0; n * TILE_WIDTH < count; n += 1) {
        yield { level, n, width: Math.min(TILE_WIDTH, count - n * TILE_WIDTH) };
      }
    }
  }
}
