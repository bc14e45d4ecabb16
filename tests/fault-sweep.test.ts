import { cpSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EvidentError, toHex } from "@evident/core";
import { type Ledger, nodeFileSystem, type VerifyProblem, verifyDirectory } from "@evident/server";
import {
  type Fault,
  FaultyFileSystem,
  findBrokenPromises,
  makeDraft,
  makeRandom,
  makeTemporaryDirectory,
  openSmallLedger,
  type SeenEntry,
  type SeenHead,
  withBlob,
} from "@evident/testkit";
import { describe, expect, it } from "vitest";

const isSoak = process.env.EVIDENT_SOAK === "1";
const seed = Number(process.env.EVIDENT_SEED ?? Math.trunc(Math.random() * 1_000_000));

/** A fault, and whether who meets a full disk tries again or gives up and stops. */
interface Trial extends Fault {
  readonly isTriedAgain?: boolean;
}

const kinds: readonly Omit<Trial, "nth">[] = [
  { how: "lost", error: "EIO" },
  { how: "applied", error: "EIO" },
  { how: "lost", error: "ENOSPC" },
  { how: "applied", error: "ENOSPC" },
  { how: "lost", error: "ENOSPC", isTriedAgain: true },
  { how: "applied", error: "ENOSPC", isTriedAgain: true },
  { how: "crash_before" },
  { how: "crash_after" },
];
/** No fault may leave a ledger that neither goes on nor ends. */
const HANG_MS = 20_000;

interface Witness {
  readonly acknowledged: SeenEntry[];
  readonly heads: SeenHead[];
  /** First keys of `evident`, as soon as they were shown. */
  genesis: readonly string[] | undefined;
  readonly broken: string[];
  /** What is being done. */
  at: string;
}

function makeWitness(): Witness {
  return { acknowledged: [], heads: [], genesis: undefined, broken: [], at: "" };
}

/** Appends and notes what was answered. */
async function append(ledger: Ledger, witness: Witness, ids: readonly string[], withBlobs = false): Promise<void> {
  const drafts = ids.map((id) => {
    const draft = makeDraft(id);
    return withBlobs ? withBlob(draft, new Uint8Array(Buffer.from(`ciphertext of ${id}`))) : draft;
  });
  const results = await ledger.append("alpha", drafts);
  for (const [i, { index }] of results.entries())
    witness.acknowledged.push({ trail: "alpha", id: ids[i] ?? "", index });
}

async function publish(ledger: Ledger, witness: Witness): Promise<void> {
  await ledger.waitPublished("alpha", ledger.trail("alpha")?.size ?? 0, AbortSignal.timeout(1_000));
  for (const { name } of ledger.trails()) {
    const { size, root } = ledger.published(name);
    witness.heads.push({ trail: name, size, root: toHex(root) });
  }
}

/** The steps of a life: events, blobs, publishing, sealing, changes of keys. */
function* steps(ledger: Ledger, witness: Witness, life: number): Generator<() => Promise<unknown>> {
  const ids = (part: string, count: number) => Array.from({ length: count }, (_, i) => `life${life}-${part}-${i}`);
  if (ledger.trail("alpha") === undefined) {
    yield () => ledger.createTrail({ name: "alpha", tenant: "acme", by: "test" });
  }
  yield () => append(ledger, witness, ids("many", 261));
  yield () => append(ledger, witness, ids("blob", 2), true);
  yield () => publish(ledger, witness);
  yield () => ledger.seal("alpha", { tail: false });
  yield () => ledger.rotateKeys("alpha", "test");
  yield () => append(ledger, witness, ids("few", 5));
  yield () => publish(ledger, witness);
  yield () => ledger.seal("alpha", { tail: true });
  yield () => append(ledger, witness, [...ids("blob", 2), ...ids("again", 1)], true);
  yield () => ledger.rotateKeys("evident", "test");
  yield () => publish(ledger, witness);
  yield () => Promise.all([ledger.seal("alpha", { tail: true }), append(ledger, witness, ids("beside", 1))]);
}

async function tryAgain(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    // What a full disk interrupted may turn out to be done already.
    if (!(error instanceof EvidentError) || error.code !== "storage_full") throw error;
    await step().catch((cause: unknown) => {
      if (!(cause instanceof EvidentError) || cause.code !== "conflict") throw cause;
    });
  }
}

/** One life of a store, on whatever the lives before have left. Returns whether it stopped cleanly. */
async function live(directory: string, disk: FaultyFileSystem, witness: Witness, life: number, again: boolean) {
  let ledger: Ledger | undefined;
  try {
    witness.at = `opening in life ${life}`;
    ledger = await openSmallLedger(directory, { fileSystem: disk });
    witness.genesis ??= ledger.trail("evident")?.genesis;
    for (const step of steps(ledger, witness, life)) {
      witness.at = `${String(step)} in life ${life}`;
      await (again ? tryAgain(step) : step());
    }
    witness.at = `closing in life ${life}`;
    await ledger.close();
    return true;
  } catch (error) {
    if (!(error instanceof EvidentError) && !(error instanceof DOMException)) throw error;
    if (again && error instanceof EvidentError && error.code === "conflict") throw error;
    witness.at = `closing in life ${life} after ${String(error)}`;
    return ledger?.close().then(
      () => true,
      () => false,
    );
  }
}

/** What is wrong with the store as it lies there. A crash may leave a torn record and an unfinished change of keys, nothing else. */
async function inspect(directory: string, { genesis }: Witness, isStopped: boolean): Promise<readonly string[]> {
  if (genesis === undefined) return [];
  const report = await verifyDirectory(join(directory, "data"), { keys: genesis });
  const wrong = report.problems.filter((problem) => isStopped || !isLeftByCrash(problem));
  return wrong.map((problem) => `${isStopped ? "stopped" : "as it was left"}: ${JSON.stringify(problem)}`);
}

/** The last kind is what a crash between the last checkpoint and the closing record leaves (docs/decisions/0004). */
function isLeftByCrash({ severity, kind, detail }: VerifyProblem): boolean {
  return severity === "gap" || (kind === "truncated" && detail.includes("has no closing record"));
}

/** Opens the store on a healthy disk, compares it with all that was shown, and stops it: it must then be whole. */
async function reopen(directory: string, witness: Witness): Promise<void> {
  witness.at = "opening for the last time";
  const ledger = await openSmallLedger(directory);
  try {
    witness.broken.push(...(await findBrokenPromises(ledger, witness)));
    witness.genesis ??= ledger.trail("evident")?.genesis;
    if (ledger.trail("alpha") !== undefined) await append(ledger, witness, ["after all"]);
  } finally {
    await ledger.close();
  }
  witness.broken.push(...(await inspect(directory, witness, true)));
}

/** What breaks when each life of a store meets a fault; after a crash the next life gets a copy, since the process is gone but not its lock. */
async function breakUnder(faults: readonly Trial[], witness: Witness): Promise<readonly string[]> {
  const directories = [makeTemporaryDirectory("sweep", { memory: true })];
  try {
    for (const [life, fault] of faults.entries()) {
      const { path } = directories.at(-1) ?? { path: "" };
      const disk = new FaultyFileSystem(nodeFileSystem);
      disk.fail(fault);
      const lived = live(path, disk, witness, life, fault.isTriedAgain === true);
      const isStopped = await Promise.race([lived, disk.crashed]);
      disk.heal();
      witness.broken.push(...(await inspect(path, witness, isStopped === true)));
      if (!fault.how.startsWith("crash")) continue;
      const copy = makeTemporaryDirectory("sweep", { memory: true });
      directories.push(copy);
      cpSync(path, copy.path, { recursive: true, filter: (each) => !each.includes("lock.sqlite") });
    }
    await reopen(directories.at(-1)?.path ?? "", witness);
    return witness.broken;
  } catch (error) {
    return [...witness.broken, error instanceof Error ? (error.stack ?? error.message) : String(error)];
  } finally {
    for (const directory of directories) directory[Symbol.dispose]();
  }
}

function describeFault({ nth, how, error, isTriedAgain }: Trial): string {
  return `call ${nth} ${error ?? ""} ${how}${isTriedAgain === true ? ", tried again" : ""}`;
}

/** Runs lives under chains of faults and returns what broke, named by the chain. */
async function sweep(chains: Iterable<readonly Trial[]>): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const faults of chains) {
    const witness = makeWitness();
    const hang = sleep(HANG_MS).then(() => [`it hangs, ${witness.at}`]);
    const found = await Promise.race([breakUnder(faults, witness), hang]);
    broken.push(...found.map((each) => `${faults.map(describeFault).join(", then ")}: ${each}`));
    if (broken.length > 50) break;
  }
  return broken;
}

/** How many calls a life makes, the first and a later one. */
async function countCalls(): Promise<readonly [number, number]> {
  using directory = makeTemporaryDirectory("sweep", { memory: true });
  const witness = makeWitness();
  const counts: number[] = [];
  for (const life of [0, 1]) {
    const disk = new FaultyFileSystem(nodeFileSystem);
    await live(directory.path, disk, witness, life, false);
    counts.push(disk.count());
  }
  return [counts[0] ?? 0, counts[1] ?? 0];
}

describe(`every step of a store's life (seed ${seed})`, () => {
  it("may fail, take effect but be reported failed, or be the last, without breaking a promise", async () => {
    const [calls] = await countCalls();
    const all = Array.from({ length: calls }, (_, i) => kinds.map((kind): Trial => ({ ...kind, nth: i + 1 }))).flat();
    const random = makeRandom(seed);
    const chosen = isSoak ? all : all.filter(() => random() < 90 / all.length);
    expect(await sweep(chosen.map((fault) => [fault]))).toEqual([]);
  }, 3_600_000);

  it("may do so in several lives one after the other, recovery from the one before included", async () => {
    const [first, later] = await countCalls();
    const random = makeRandom(seed + 1);
    const pick = (calls: number): Trial => ({
      ...(kinds[Math.floor(random() * kinds.length)] ?? { how: "lost" }),
      // The steps of recovery come first: half of the faults are there.
      nth: 1 + Math.floor(random() * (random() < 0.5 ? Math.min(60, calls) : calls)),
    });
    const chains = Array.from({ length: isSoak ? 1_500 : 30 }, () => [pick(first), pick(later), pick(later)]);
    expect(await sweep(chains)).toEqual([]);
  }, 3_600_000);
});
