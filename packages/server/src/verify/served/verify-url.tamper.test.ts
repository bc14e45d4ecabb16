import { decodeBundle, encodeBundle } from "@evident/core";
import {
  makeDraft,
  makeRandom,
  makeTemporaryDirectory,
  openSmallLedger,
  type ServedStore,
  serveStore,
} from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LogTransport, type ServedObject, type VerifyReport, verifyUrl } from "../index.ts";

const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));
const random = makeRandom(seed);
const directory = makeTemporaryDirectory("served-tamper");
const LOG = "/v1/trails/main/log";
let store: ServedStore;
let keys: string[];
let reader: string;
let oldCheckpoint: Uint8Array;
let beforeChange: Uint8Array;

beforeAll(async () => {
  const ledger = await openSmallLedger(directory.path);
  await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
  const drafts = (label: string, count: number) => Array.from({ length: count }, (_, i) => makeDraft(`${label}-${i}`));
  await ledger.append("main", drafts("a", 600));
  oldCheckpoint = (await ledger.waitPublished("main", 600)).note;
  await ledger.rotateKeys("main", "test");
  await ledger.append("main", drafts("b", 700));
  await ledger.waitPublished("main", 1_300);
  await ledger.seal("main", { tail: false });
  await ledger.createTrail({ name: "long", tenant: "default", by: "test" });
  for (let i = 0; i < 30; i += 1) await ledger.append("long", drafts(`l${i}`, 1_000));
  await ledger.createTrail({ name: "changed", tenant: "default", by: "test" });
  await ledger.append("changed", drafts("c", 5));
  beforeChange = (await ledger.waitPublished("changed", 5)).note;
  await ledger.rotateKeys("changed", "test");
  keys = [...(ledger.trail("evident")?.genesis ?? [])];
  await ledger.close();
  store = await serveStore(directory.path);
  reader = await store.makeKey({ role: "reader", tenant: "default" });
});

afterAll(async () => {
  await store.close();
  directory[Symbol.dispose]();
});

type Get = (path: string) => Promise<ServedObject>;
/** What a server that lies answers; undefined: the truth. */
type Lie = (path: string, get: Get) => Promise<ServedObject | undefined> | ServedObject | undefined;

const found = (bytes: Uint8Array): ServedObject => ({ status: 200, bytes });
const gone: ServedObject = { status: 404, bytes: new Uint8Array() };

function lying(lie: Lie, key?: string): LogTransport {
  return {
    async fetchObject(path, { signal }) {
      const get: Get = (other) => store.fetchObject(other, { signal, ...(key === undefined ? {} : { key }) });
      return (await lie(path, get)) ?? (await get(path));
    },
  };
}

const trails = ["evident", "main"];
const patience = { firstWaitMs: 1, longestWaitMs: 5, unreachableMs: 100, busyMs: 1_000 };
const verifyLied = (lie: Lie, key?: string): Promise<VerifyReport> =>
  verifyUrl(lying(lie, key), { patience, ...(key === undefined ? { keys, trails } : { trails: ["main"] }) });

/** Changes the bytes of one object. */
const changing =
  (target: string, change: (bytes: Uint8Array) => Uint8Array): Lie =>
  async (path, get) => {
    if (path !== target) return undefined;
    const served = await get(path);
    return { ...served, bytes: change(served.bytes) };
  };

function flip(bytes: Uint8Array, at = Math.floor(random() * bytes.length)): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return changed;
}

/** Every path of `main` that a verification asks for, without the lists, of which not every byte has a say. */
async function pathsOf(key?: string): Promise<string[]> {
  const paths = new Set<string>();
  const report = await verifyLied((path) => {
    if (/main\/log\/(?!rotations$)/.test(path)) paths.add(path);
    return undefined;
  }, key);
  expect(report).toMatchObject({ verdict: "verified", problems: [] });
  return [...paths];
}

describe(`a server that lies (EVIDENT_SEED=${seed})`, () => {
  it("is caught when one byte of any object is changed, and the object is named", async () => {
    const paths = await pathsOf();
    expect(paths).toHaveLength(1 + 6 + 6 + 1 + 1);
    for (const path of paths) {
      const report = await verifyLied(changing(path, flip));
      expect({ path, verdict: report.verdict }).toEqual({ path, verdict: "failed" });
      expect(report.problems.map(({ file }) => file)).toContain(path);
    }
  });

  it("is caught when evident or the read log is changed", async () => {
    for (const kind of [/log\/checkpoint$/, /log\/tile\/entries\//, /log\/tile\/0\//]) {
      for (const trail of ["evident", "evident-reads"]) {
        const lie: Lie = async (path, get) => {
          if (!path.startsWith(`/v1/trails/${trail}/`) || !kind.test(path)) return undefined;
          return found(flip((await get(path)).bytes));
        };
        const { verdict, problems } = await verifyUrl(lying(lie), { keys, patience });
        expect({ kind, trail, verdict }).toEqual({ kind, trail, verdict: "failed" });
        expect(new Set(problems.map((problem) => problem.trail))).toContain(trail);
      }
    }
  });

  it("is caught when any object is withheld, cut or lengthened", async () => {
    for (const path of await pathsOf()) {
      for (const lie of [
        (asked: string) => (asked === path ? gone : undefined),
        changing(path, (bytes) => bytes.subarray(0, -1)),
        changing(path, (bytes) => Uint8Array.from([...bytes, 0x0a])),
      ]) {
        const { verdict, problems } = await verifyLied(lie);
        expect({ path, verdict }).toEqual({ path, verdict: "failed" });
        expect(problems.map(({ file }) => file)).toContain(path);
      }
    }
  });

  it("is caught by tiles alone", async () => {
    const paths = await pathsOf(reader);
    expect(paths.filter((path) => path.includes("/tile/entries/"))).toHaveLength(6);
    for (const path of paths) {
      if (path.includes("/tile/entries/")) continue;
      for (const lie of [changing(path, flip), (asked: string) => (asked === path ? gone : undefined)]) {
        const { verdict, problems } = await verifyLied(lie, reader);
        expect({ path, verdict }).toEqual({ path, verdict: "failed" });
        // Without entries nothing but the checkpoint stands against the last tile of level 0.
        const named = path === tile(5) ? `${LOG}/checkpoint` : path;
        expect([path, named].some((file) => problems.some((problem) => problem.file === file))).toBe(true);
      }
    }
  });
});

const bundle = (n: number): string => `${LOG}/tile/entries/${n === 5 ? "005.p/20" : `00${n}`}`;
const tile = (n: number): string => `${LOG}/tile/0/${n === 5 ? "005.p/20" : `00${n}`}`;
const entriesChanged = (n: number, change: (entries: Uint8Array[]) => Uint8Array[]): Lie =>
  changing(bundle(n), (bytes) => encodeBundle(change(decodeBundle(bytes))));

const facts = ({ problems }: VerifyReport) =>
  problems.map(({ trail, index, end, kind, file }) => ({ trail, index, end, kind, file }));

describe("the report", () => {
  it("names the entry that was edited, and those that stand in another order", async () => {
    const edited = await verifyLied(
      entriesChanged(2, (entries) => entries.with(7, Buffer.from('{"v":1,"kind":"event","x":1}'))),
    );
    expect(facts(edited)).toContainEqual({ trail: "main", index: 519, end: 520, kind: "edited", file: bundle(2) });
    expect(edited.entries).toBe(edited.trails.reduce((sum, { size }) => sum + size, 0) - 1);
    const last = await verifyLied(entriesChanged(5, (entries) => entries.with(3, entries[4] ?? new Uint8Array())));
    expect(facts(last)).toContainEqual({ trail: "main", index: 1_283, end: 1_284, kind: "edited", file: bundle(5) });
    const turned = await verifyLied(
      entriesChanged(1, (entries) =>
        entries.with(3, entries[4] ?? new Uint8Array()).with(4, entries[3] ?? new Uint8Array()),
      ),
    );
    expect(facts(turned)).toEqual([{ trail: "main", index: 259, end: 261, kind: "reordered", file: bundle(1) }]);
    const swapped = await verifyLied(async (path, get) => {
      if (path === bundle(0)) return get(bundle(3));
      return path === bundle(3) ? get(bundle(0)) : undefined;
    });
    expect(facts(swapped)).toContainEqual({ trail: "main", index: 0, end: 256, kind: "reordered", file: bundle(0) });
    expect(facts(swapped)).toContainEqual({
      trail: "main",
      index: 768,
      end: 1_024,
      kind: "reordered",
      file: bundle(3),
    });
  });

  it("names the range that is not there", async () => {
    const dropped = await verifyLied((path) => (path === bundle(1) || path === bundle(2) ? gone : undefined));
    expect(facts(dropped)).toEqual([{ trail: "main", index: 256, end: 768, kind: "missing", file: bundle(1) }]);
    const both = await verifyLied((path) => (path === bundle(4) || path === tile(4) ? gone : undefined));
    expect(facts(both)).toContainEqual({ trail: "main", index: 1_024, end: 1_280, kind: "missing", file: bundle(4) });
    const problem = Buffer.from(JSON.stringify({ code: "corrupt_store", detail: "The server could not do this." }));
    const broken = await verifyLied((path) => (path === bundle(1) ? { status: 500, bytes: problem } : undefined));
    expect(broken.problems).toMatchObject(
      [{ kind: "missing", index: 256, detail: /could not do this/ }].map(({ detail, ...rest }) => ({
        ...rest,
        detail: expect.stringMatching(detail),
      })),
    );
  });

  it("names the tile that is wrong", async () => {
    for (const wrong of [tile(1), tile(5), `${LOG}/tile/1/000.p/5`]) {
      const report = await verifyLied(changing(wrong, (bytes) => flip(bytes, 3)));
      expect(report.problems.map(({ file, kind }) => [file, kind])).toEqual([[wrong, "edited"]]);
    }
    const other = await verifyLied((path, get) => (path === tile(2) ? get(tile(1)) : undefined));
    expect(facts(other)).toEqual([{ trail: "main", index: 512, end: 768, kind: "edited", file: tile(2) }]);
    const tilesOnly = await verifyLied(
      changing(tile(2), (bytes) => flip(bytes, 3)),
      reader,
    );
    expect(facts(tilesOnly)).toEqual([{ trail: "main", index: 512, end: 768, kind: "edited", file: tile(2) }]);
  });

  it("knows an old checkpoint by the heads that evident recorded, and by the server's own list", async () => {
    const listed = await verifyLied(
      (path) => (path === `${LOG}/checkpoint` ? found(oldCheckpoint) : undefined),
      reader,
    );
    expect(facts(listed)).toContainEqual(expect.objectContaining({ index: 600, end: 1_300, kind: "rolled_back" }));
    const lie: Lie = async (path, get) => {
      if (path === `${LOG}/checkpoint`) return found(oldCheckpoint);
      if (path !== "/v1/trails") return undefined;
      const text = Buffer.from((await get(path)).bytes).toString();
      return found(Buffer.from(text.replaceAll('"publishedSize":1300', '"publishedSize":600')));
    };
    const recorded = await verifyLied(lie);
    expect(recorded.problems).toContainEqual(
      expect.objectContaining({ kind: "rolled_back", detail: expect.stringContaining("of evident is of size 1300") }),
    );
  });

  it("knows a list that does not agree with evident", async () => {
    const changed =
      (from: RegExp, to: string): Lie =>
      async (path, get) => {
        if (path !== "/v1/trails") return undefined;
        const text = Buffer.from((await get(path)).bytes).toString();
        return found(Buffer.from(text.replace(from, to)));
      };
    const { problems } = await verifyLied(changed(/("name":"main".*?"origin":")evident/, "$1elsewhere"));
    expect(problems.map(({ kind, file }) => `${kind} ${file}`)).toContain("edited /v1/trails/main");
    await expect(verifyLied(changed(/"trails"/, '"other"'))).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("a change of keys", () => {
  it("may be under way: stated, but not signed yet", async () => {
    const log = "/v1/trails/changed/log";
    const stated: Lie = (path) => {
      if (path === `${log}/checkpoint`) return found(beforeChange);
      if (path === `${log}/rotations`) return found(Buffer.from('{"rotations":[]}'));
      return path.startsWith(`${log}/rotations/`) ? gone : undefined;
    };
    const both = { keys, patience, trails: ["evident", "changed"] };
    const report = await verifyUrl(lying(stated), both);
    expect(report).toMatchObject({ verdict: "verified", problems: [] });
    expect(report.unchecked).toContain("changed: the change of its keys at size 5, which was under way");
    const noNote = await verifyUrl(
      lying((path) => (path.startsWith(`${log}/rotations/`) ? gone : undefined)),
      both,
    );
    expect(facts(noNote)).toContainEqual(expect.objectContaining({ trail: "changed", kind: "missing" }));
  });
});

describe("a server that has lost most of a trail", () => {
  it("is not asked for ever", async () => {
    let asked = 0;
    const lie: Lie = (path) => {
      if (/long\/log\/tile\/entries\//.test(path)) asked += 1;
      return /long\/log\/tile\/(0|entries)\/(0[1-9]|1)/.test(path) ? gone : undefined;
    };
    const report = await verifyUrl(lying(lie), { patience, trails: ["long"] });
    expect(facts(report)).toContainEqual(
      expect.objectContaining({ trail: "long", index: 2_560, end: 30_000, kind: "missing" }),
    );
    expect(report.verdict).toBe("failed");
    expect(asked).toBeLessThan(90);
  });
});
