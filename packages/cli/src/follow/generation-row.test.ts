import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FollowState } from "./follow-state.ts";
import type { Generation, Position } from "./generation.ts";
import { fromRow, toRow } from "./generation-row.ts";

const directory = mkdtempSync(join(tmpdir(), "evident-follow-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function generationAt(position: Position): Generation {
  const mark = { at: 0, digest: "d" };
  return {
    id: 1,
    log: "/l",
    firstLine: "f",
    start: { offset: 0, line: 1, key: "k" },
    file: undefined,
    path: "/l",
    head: mark,
    position,
    read: mark,
    ahead: undefined,
    cuts: [],
    isIgnored: false,
    seenBytes: 0,
    seenMs: 0,
  };
}

describe("the position of a followed file", () => {
  const replay = {
    next: 9,
    waiting: [
      [3, 3],
      [7, 8],
    ],
  } as const;

  it("keeps which lines behind it had not come out", () => {
    const position: Position = { offset: 40, line: 3, key: "k3", replay };
    expect(fromRow(toRow(generationAt(position)))).toEqual(generationAt(position));
    const plain: Position = { offset: 40, line: 3, key: "k3" };
    expect(fromRow(toRow(generationAt(plain))).position).toEqual(plain);
  });

  it("keeps them on disk", () => {
    const path = join(directory, "state.db");
    writeFileSync(path, "");
    const state = new FollowState(path, "host");
    state.save([generationAt({ offset: 40, line: 3, key: "k3", replay })]);
    expect(state.load()[0]?.position.replay).toEqual(replay);
    state.close();
  });
});
