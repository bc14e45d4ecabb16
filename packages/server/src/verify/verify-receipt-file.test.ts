import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatProof, parseProof } from "@evident/core";
import { makeDraft, makeTemporaryDirectory, openSmallLedger } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyDirectory, verifyReceiptFile } from "./index.ts";

const directory = makeTemporaryDirectory("receipt");
const rememberFile = join(directory.path, "heads.json");
let receipt: Uint8Array;
let later: Uint8Array;
let last: Uint8Array;
let genesis: readonly string[];
let rotated: readonly string[];
let others: readonly string[];
let origin: string;

beforeAll(async () => {
  const ledger = await openSmallLedger(directory.path);
  const info = await ledger.createTrail({ name: "main", tenant: "default", by: "test" });
  ({ origin, genesis } = info);
  others = ledger.trail("evident")?.genesis ?? [];
  const receiptOf = async (index: number): Promise<Uint8Array> =>
    (await ledger.receipt("main", index)) ?? new Uint8Array();
  const add = async (label: string): Promise<void> => {
    await ledger.append("main", [makeDraft(label), makeDraft(`${label}+`), makeDraft(`${label}++`)]);
    await ledger.waitPublished("main", ledger.trail("main")?.size ?? 0);
  };
  await add("a");
  receipt = await receiptOf(1);
  await ledger.rotateKeys("main", "test");
  await add("b");
  later = await receiptOf(1);
  rotated = ledger.trail("main")?.keys ?? [];
  await ledger.close();
  await verifyDirectory(join(directory.path, "data"), { rememberFile });
  const again = await openSmallLedger(directory.path);
  last = (await again.receipt("main", 5)) ?? new Uint8Array();
  await again.close();
});

afterAll(() => directory[Symbol.dispose]());

const kinds = ({ problems }: ReturnType<typeof verifyReceiptFile>) => problems.map(({ kind, index }) => [kind, index]);

describe("a receipt in a file", () => {
  it("is verified with its log's keys among others", () => {
    const report = verifyReceiptFile(receipt, { keys: [...others, ...genesis] });
    expect(report).toMatchObject({
      verdict: "verified",
      anchor: { kind: "none", size: 0 },
      entries: 1,
      problems: [],
      unchecked: [`whether the log shows everybody the same: no head of ${origin} is remembered`],
      receipt: { origin, index: 1, size: 3 },
    });
    expect(report.receipt?.timestamps).toHaveLength(1);
    expect(Buffer.from(report.receipt?.entry ?? []).toString()).toContain('"id":"a+"');
  });

  it("fails with other keys, and without any is a gap", () => {
    expect(verifyReceiptFile(receipt, { keys: others })).toMatchObject({ verdict: "failed", entries: 0 });
    expect(kinds(verifyReceiptFile(later, { keys: genesis }))).toEqual([["signature", null]]);
    expect(verifyReceiptFile(later, { keys: [...genesis, ...rotated] }).verdict).toBe("verified");
    expect(verifyReceiptFile(receipt, {})).toMatchObject({
      verdict: "gaps",
      entries: 0,
      problems: [{ kind: "signature", severity: "gap" }],
    });
    expect(() => verifyReceiptFile(receipt, { keys: ["x"] })).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("is compared with the remembered head of its log, where sizes are the same", () => {
    const old = verifyReceiptFile(receipt, { rememberFile });
    expect(old).toMatchObject({ verdict: "verified", anchor: { kind: "none" }, entries: 1 });
    expect(old.unchecked).toEqual([
      `whether the keys remembered for ${origin} are the right ones: none was given to compare`,
      expect.stringContaining("size 3 and the head remembered at size 6 are of one history"),
    ]);
    expect(verifyReceiptFile(last, { keys: genesis, rememberFile })).toMatchObject({
      verdict: "verified",
      anchor: { kind: "remembered", size: 6 },
      unchecked: [],
    });
    const forked = join(directory.path, "forked.json");
    const heads = JSON.parse(readFileSync(rememberFile, "utf8")) as { logs: Record<string, object> };
    const root = Buffer.alloc(32, 7).toString("base64");
    heads.logs[origin] = { ...heads.logs[origin], root };
    writeFileSync(forked, JSON.stringify(heads));
    expect(kinds(verifyReceiptFile(last, { rememberFile: forked }))).toEqual([["forked", null]]);
  });

  it("fails with any byte changed, cut or added", () => {
    for (let at = 0; at < receipt.length; at += 1) {
      const changed = receipt.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifyReceiptFile(changed, { keys: genesis }).verdict, `byte ${at}`).toBe("failed");
    }
    for (const bytes of [new Uint8Array(), receipt.subarray(0, -1), receipt.subarray(0, 200)]) {
      expect(verifyReceiptFile(bytes, { keys: genesis }).verdict).toBe("failed");
      expect(verifyReceiptFile(bytes, {}).verdict).not.toBe("verified");
    }
  });

  it("names the entry that is not its own, and the one that is not there", () => {
    const proof = parseProof(receipt);
    const other = formatProof({ ...proof, extra: Buffer.from("{}") });
    expect(kinds(verifyReceiptFile(other, { keys: genesis }))).toEqual([["edited", 1]]);
    expect(verifyReceiptFile(other, {})).toMatchObject({ verdict: "failed" });
    const { extra: _, ...bare } = proof;
    expect(verifyReceiptFile(formatProof(bare), { keys: genesis })).toMatchObject({
      verdict: "gaps",
      entries: 0,
      problems: [{ kind: "missing", index: 1 }],
    });
  });
});
