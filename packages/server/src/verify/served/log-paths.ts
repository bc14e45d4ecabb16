import { bundlePath, rotationPath, type Tile, tilePath } from "@evident/core";

/** Where the objects of a trail's log lie on a server. They name the place in a report as well. */
export interface LogPaths {
  readonly info: string;
  readonly checkpoint: string;
  readonly rotations: string;
  rotation(size: number): string;
  tile(tile: Tile): string;
  bundle(n: number, width: number): string;
  /** Of an object by its name below the log. */
  object(name: string): string;
}

export function logPaths(trail: string): LogPaths {
  const info = `/v1/trails/${trail}`;
  const object = (name: string): string => `${info}/log/${name}`;
  return {
    info,
    checkpoint: object("checkpoint"),
    rotations: object("rotations"),
    rotation: (size) => object(rotationPath(size)),
    tile: ({ level, n, width }) => object(tilePath(level, n, width)),
    bundle: (n, width) => object(bundlePath(n, width)),
    object,
  };
}

/** The longest that an object of a log can be, in bytes. */
export const objectLimits = {
  note: 1 << 20,
  tile: 256 * 32,
  bundle: 256 * (2 + 65_535),
  list: 64 << 20,
} as const;
