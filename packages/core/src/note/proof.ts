import { concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from "../encoding/index.ts";
import { EvidentError } from "../errors/index.ts";
import { asHash, type Hash, MAX_ENTRY_BYTES } from "../tree/index.ts";
import { noteLimits } from "./note.ts";

/** A `.tlog-proof`: where an entry lies in the tree of a checkpoint (C2SP tlog-proof). */
export interface Proof {
  readonly index: bigint;
  /** Sibling hashes from the leaf upward. */
  readonly path: readonly Hash[];
  /** The checkpoint note, verbatim. */
  readonly checkpoint: Uint8Array;
  /** Not authenticated by the format itself; ours hold the entry's bytes. */
  readonly extra?: Uint8Array;
}

const HEADER = "c2sp.org/tlog-proof@v1";
const LONGEST_PATH = 64;
const MAX_HEAD_BYTES = 128 * 1024;
const LARGEST_INDEX = (1n << 63n) - 1n;

/** Bytes of a `.tlog-proof` file. */
export function formatProof(proof: {
  readonly index: bigint | number;
  readonly path: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
  readonly extra?: Uint8Array | undefined;
}): Uint8Array {
  const lines = [HEADER];
  if (proof.extra !== undefined) lines.push(`extra ${toBase64(proof.extra)}`);
  lines.push(`index ${proof.index}`, ...proof.path.map((hash) => toBase64(asHash(hash))));
  return concatBytes(utf8(`${lines.join("\n")}\n\n`), proof.checkpoint);
}

/**
 * Reads a `.tlog-proof` file. The checkpoint is not opened here.
 *
 * @throws EvidentError `malformed`
 */
export function parseProof(bytes: Uint8Array): Proof {
  const border = indexOfEmptyLine(bytes);
  const lines = decodeHead(bytes.subarray(0, border)).split("\n");
  const checkpoint = bytes.slice(border + 2);
  if (lines.shift() !== HEADER) throw new EvidentError("malformed", `a proof begins with ${HEADER}`);
  const extra = lines[0]?.startsWith("extra ") === true ? decodeBase64(lines.shift()?.slice(6), "extra") : undefined;
  const index = /^index (0|[1-9]\d{0,18})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || BigInt(index) > LARGEST_INDEX)
    throw new EvidentError("malformed", "the proof has no index line");
  if (lines.length > LONGEST_PATH) throw new EvidentError("malformed", `the proof has ${lines.length} hashes`);
  const path = lines.map((line) => {
    const hash = decodeBase64(line, "hash");
    if (hash.length !== 32) throw new EvidentError("malformed", `a hash of the proof has ${hash.length} bytes`);
    return asHash(hash);
  });
  return { index: BigInt(index), path, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

function indexOfEmptyLine(bytes: Uint8Array): number {
  const limit = Math.min(bytes.length - 1, MAX_HEAD_BYTES);
  for (let i = 0; i < limit; i += 1) {
    if (bytes[i] === 0x0a && bytes[i + 1] === 0x0a) {
      if (bytes.length - i > noteLimits.sizeBytes) break;
      return i;
    }
  }
  throw new EvidentError("malformed", "no empty line ends the head of the proof");
}

function decodeHead(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new EvidentError("malformed", "the proof is not UTF-8", { cause });
  }
}

function decodeBase64(text: string | undefined, what: string): Uint8Array {
  try {
    const bytes = fromBase64(text ?? "");
    if (bytes.length > MAX_ENTRY_BYTES) throw new EvidentError("malformed", `${bytes.length} bytes`);
    return bytes;
  } catch (cause) {
    throw new EvidentError("malformed", `a ${what} line of the proof is broken`, { cause });
  }
}
