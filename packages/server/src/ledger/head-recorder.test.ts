import { emptyRoot } from "@evident/core";
import { describe, expect, it } from "vitest";
import { HeadRecorder } from "./head-recorder.ts";
import type { Trail } from "./trail/index.ts";
import type { Statement } from "./types.ts";

describe("recorded heads", () => {
  it("of any number of trails fit into entries, and only changed ones are recorded", async () => {
    const host = `${"very-long-label.".repeat(15)}example`;
    const names = Array.from({ length: 1_000 }, (_, i) => `trail-${"x".repeat(50)}-${i}`);
    const trails = new Map<string, Pick<Trail, "name" | "origin" | "published">>();
    const publish = (name: string, size: number): void => {
      const published = { trail: name, size, root: emptyRoot, note: new Uint8Array() };
      trails.set(name, { name, origin: `${host}/0123456789abcdef`, published });
    };
    for (const name of ["evident", ...names]) publish(name, Number.MAX_SAFE_INTEGER);
    const stated: Statement[] = [];
    const recorder = new HeadRecorder(trails, (statement) => Promise.resolve(stated.push(statement)));
    await recorder.record("stop");
    for (const statement of stated) expect(JSON.stringify(statement).length).toBeLessThan(65_000);
    const heads = stated.flatMap(({ heads: each }) => each as readonly { readonly trail: string }[]);
    expect(heads.map(({ trail }) => trail)).toEqual(names);
    await recorder.record("stop");
    expect(stated).toHaveLength(8);
    publish("trail-new", 1);
    await recorder.record("interval");
    expect(stated.at(-1)).toMatchObject({ reason: "interval", heads: [{ trail: "trail-new", size: 1 }] });
  });
});
