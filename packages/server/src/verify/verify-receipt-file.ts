import {
  EvidentError,
  equalBytes,
  hashLeaf,
  type Proof,
  parseCheckpoint,
  parseNote,
  parseProof,
  parseVerifierKey,
  toBase64,
  verifyInclusion,
  verifyReceipt,
} from "@evident/core";
import { invalidKind } from "./check-signatures.ts";
import { type RememberedHead, RememberedHeads } from "./remembered-heads.ts";
import { Report } from "./report.ts";
import { statedHash } from "./stated-hash.ts";
import type { Anchor, VerifyReport } from "./types.ts";

/** What a receipt says; to be believed when the report that comes with it does. */
export interface ReceiptContent {
  readonly origin: string;
  readonly index: number;
  /** Size of the tree that the checkpoint is of. */
  readonly size: number;
  /** The exact stored line; undefined when the receipt holds none. */
  readonly entry: Uint8Array | undefined;
  /** When the checkpoint was signed, as its signers state it, in Unix seconds; empty when it was not verified. */
  readonly timestamps: readonly number[];
}

/** A report on one receipt; `trail` is the log's origin, since a receipt names no trail. */
export type ReceiptReport = VerifyReport & { readonly receipt: ReceiptContent | undefined };

/** What a receipt is verified with. */
export interface ReceiptOptions {
  /** Verifier keys that are trusted, of any logs; absent: those remembered for the receipt's log. */
  readonly keys?: readonly string[];
  /** File of remembered heads; it is read only. */
  readonly rememberFile?: string;
}

interface Receipt extends ReceiptContent {
  readonly proof: Proof;
  readonly root: Uint8Array;
}

/**
 * Verifies a `.tlog-proof` without network or store: the checkpoint's signatures and the path from the entry to its root. Without any
 * key of its log it is at best `gaps`: it agrees with itself, but anybody could have made it.
 *
 * @throws EvidentError `malformed` when a given key or the file of remembered heads is none
 */
export function verifyReceiptFile(bytes: Uint8Array, options: ReceiptOptions): ReceiptReport {
  const report = new Report();
  const remembered = options.rememberFile === undefined ? undefined : new RememberedHeads(options.rememberFile);
  const receipt = readReceipt(bytes);
  if (typeof receipt === "string") {
    report.add({ trail: "", index: null, kind: "malformed", detail: receipt });
    return { ...report.finish({ kind: "none", size: 0 }), receipt: undefined };
  }
  const { origin, index, size } = receipt;
  const known = remembered?.get(origin);
  const keys = chooseKeys(origin, options.keys, known, report);
  const timestamps = keys === undefined ? undefined : checkSigned(bytes, receipt, keys, report);
  if (keys?.length === 0) checkUnsigned(receipt, report);
  const anchor = compareWithRemembered(receipt, known, report);
  const isFound = timestamps !== undefined && !report.hasFailed();
  report.trail({ trail: origin, origin, size, root: toBase64(receipt.root), anchor }, isFound ? 1 : 0);
  return {
    ...report.finish(anchor),
    receipt: { origin, index, size, entry: receipt.entry, timestamps: timestamps ?? [] },
  };
}

function readReceipt(bytes: Uint8Array): Receipt | string {
  try {
    const proof = parseProof(bytes);
    const { origin, size, root } = parseCheckpoint(parseNote(proof.checkpoint).text);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) return "the size is beyond 2^53";
    const index = Number(proof.index);
    return { origin, index, size: Number(size), entry: proof.extra, timestamps: [], proof, root };
  } catch (cause) {
    if (cause instanceof EvidentError) return cause.message;
    throw cause;
  }
}

/** The keys to open the checkpoint with. Empty: none is known. Undefined: some were given, but none is of this log. */
function chooseKeys(
  origin: string,
  given: readonly string[] | undefined,
  known: RememberedHead | undefined,
  report: Report,
): readonly string[] | undefined {
  const remembered = known === undefined ? [] : [...known.keys, ...(known.signing ?? [])];
  if (given === undefined) {
    if (known !== undefined) {
      report.unchecked(`whether the keys remembered for ${origin} are the right ones: none was given to compare`);
    }
    return remembered;
  }
  const own = given.filter((key) => parseVerifierKey(key).name === origin);
  if (own.length === 0) {
    const detail = "it is of this log, but none of the trusted keys is";
    report.add({ trail: origin, index: null, kind: "signature", detail });
    return undefined;
  }
  // Keys after a change, as an earlier verification followed them from the trusted ones.
  const isFollowed = known?.keys.some((key) => own.includes(key)) === true;
  return [...new Set(isFollowed ? [...own, ...remembered] : own)];
}

/** Returns the times of the signatures when they and the path hold. */
function checkSigned(
  bytes: Uint8Array,
  { origin, index }: Receipt,
  keys: readonly string[],
  report: Report,
): readonly number[] | undefined {
  if (keys.length === 0) return undefined;
  const verdict = verifyReceipt({ proof: bytes, keys });
  if (verdict.kind === "verified") return verdict.timestamps;
  if (verdict.kind === "unchecked") {
    report.add({
      trail: origin,
      index,
      kind: "missing",
      severity: "gap",
      detail: "the receipt does not hold its entry",
    });
  } else if (verdict.why === "wrong_root") {
    report.add({ trail: origin, index, kind: "edited", detail: verdict.detail });
  } else {
    const isOther = verdict.why === "missing_signature";
    const hint = isOther
      ? "; keys that were changed since are known to who verified the server or its data directory"
      : "";
    report.add({ trail: origin, index: null, kind: invalidKind(verdict.why), detail: `${verdict.detail}${hint}` });
  }
  return undefined;
}

/** Without keys a receipt may still contradict itself. */
function checkUnsigned({ origin, index, size, entry, proof, root }: Receipt, report: Report): void {
  report.add({
    trail: origin,
    index: null,
    kind: "signature",
    severity: "gap",
    detail: "no key of this log is known, so anybody could have made the receipt; give its keys",
  });
  if (entry === undefined) return;
  if (verifyInclusion(hashLeaf(entry), proof.index, BigInt(size), proof.path, statedHash(toBase64(root)))) return;
  const detail = `the entry is not the one with index ${index} of ${size}`;
  report.add({ trail: origin, index, kind: "edited", detail });
}

function compareWithRemembered(
  { origin, size, root }: Receipt,
  known: RememberedHead | undefined,
  report: Report,
): Anchor {
  const none = { kind: "none", size: 0 } as const;
  if (known === undefined) {
    report.unchecked(`whether the log shows everybody the same: no head of ${origin} is remembered`);
    return none;
  }
  if (known.size !== size) {
    report.unchecked(
      `whether the checkpoint of size ${size} and the head remembered at size ${known.size} are of one history: that takes a ` +
        "consistency proof, so verify the server or its data directory",
    );
    return none;
  }
  if (equalBytes(statedHash(known.root), root)) return { kind: "remembered", size };
  const detail = `at size ${size} another root is remembered`;
  report.add({ trail: origin, index: null, kind: "forked", detail });
  return none;
}
