import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { EvidentError, parseCheckpoint, parseNote, parseVerifierKey } from "@evident/core";
import type { Io } from "../command/index.ts";
import { fileError } from "../files/index.ts";
import type { GivenKeys } from "./read-keys.ts";

const MAX_PROOF_BYTES = 2 << 20;

/** What `evident verify` was given. */
export type Target =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "proof"; readonly read: () => Promise<Uint8Array> };

/** Tells a server, a data directory and a receipt apart. @throws EvidentError `not_found`, `forbidden`, `too_large` */
export function findTarget(operand: string, io: Io): Target {
  if (/^https?:\/\//i.test(operand)) return { kind: "url", url: operand };
  if (operand === "-") return { kind: "proof", read: () => buffer(process.stdin) };
  const path = resolve(io.workingDirectory, operand);
  try {
    const found = statSync(path);
    if (found.isDirectory()) return { kind: "directory", path };
    if (found.size > MAX_PROOF_BYTES) {
      throw new EvidentError("too_large", `${operand} has ${found.size} bytes: no receipt is so long`);
    }
    return { kind: "proof", read: async () => readFileSync(path) };
  } catch (cause) {
    throw fileError(operand, cause);
  }
}

/**
 * Of the given keys those of the store's trail `evident`, which is where the trust in a directory begins. A key that is known to be of
 * another trail is never taken for one of these: whoever holds it could make a whole store of his own with it.
 *
 * @throws EvidentError `bad_request` when all keys are of other trails
 */
export function keysOfStore({ evident }: GivenKeys, dataDir: string): readonly string[] {
  if (evident.length === 0) {
    throw new EvidentError("bad_request", "the given keys are of other trails than evident", {
      fix: "Give the whole trails.json: the trust in a directory begins with the keys of its trail evident.",
    });
  }
  const origin = originOf(join(dataDir, "trails", "evident", "checkpoint"));
  const own = evident.filter((key) => parseVerifierKey(key).name === origin);
  return own.length > 0 ? own : evident;
}

function originOf(checkpoint: string): string | undefined {
  if (!existsSync(checkpoint)) return undefined;
  try {
    return parseCheckpoint(parseNote(new Uint8Array(readFileSync(checkpoint))).text).origin;
  } catch (cause) {
    if (cause instanceof EvidentError) return undefined;
    throw fileError(checkpoint, cause);
  }
}
