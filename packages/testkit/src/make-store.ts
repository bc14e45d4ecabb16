import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Draft, Ledger } from "@evident/server";
import { makeDraft } from "./make-draft.ts";
import { openSmallLedger } from "./record-run.ts";

/** A store that `makeStore` made in `directory`: `data`, `data.keys`. */
export interface MadeStore {
  readonly dataDir: string;
  readonly keysDir: string;
  /** Verifier keys of the trail `evident` from its beginning: all that a verifier has to trust. */
  readonly genesis: readonly string[];
  /** The store's files at earlier moments, oldest first, by path relative to the data directory. */
  readonly earlier: readonly ReadonlyMap<string, Uint8Array>[];
}

/** Every file below the data directory that `verify` must account for, sorted, relative to it with `/`. */
export function storeFiles(dataDir: string): readonly string[] {
  const files: string[] = [];
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    const path = relative(dataDir, join(entry.parentPath, entry.name)).replaceAll(sep, "/");
    if (entry.isFile() && /^(?:trails|wal|blobs)\//.test(path)) files.push(path);
  }
  return files.sort();
}

/** A draft that names a blob of this ciphertext and brings it along. */
export function withBlob(draft: Draft, ciphertext: Uint8Array): Draft {
  const digest = createHash("sha256").update(ciphertext).digest();
  const blob = JSON.stringify({ digest: digest.toString("base64"), sizeBytes: ciphertext.length });
  const rest = draft.rest.replace(/,"(event|quarantine)":/, `,"blob":${blob},"$1":`);
  return { ...draft, rest, blob: { id: digest.toString("hex").slice(0, 32), ciphertext } };
}

/** A record in quarantine whose raw bytes lie in a blob. */
function makeQuarantined(id: string): Draft {
  const { identity: _none, ...draft } = makeDraft(id);
  const reasons = [{ field: "time.occurred", problem: "is missing", fix: "Send when the access happened." }];
  const quarantine = JSON.stringify({ reasons, sizeBytes: 40, why: "invalid_event" });
  const rest = draft.rest.replace(/"event":.*$/, `"quarantine":${quarantine}`);
  return withBlob({ ...draft, kind: "quarantine", rest }, new Uint8Array(Buffer.from(`ciphertext of ${id}`)));
}

/** A running ledger publishes meanwhile, and what a head replaces goes away. */
function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
}

const ids = (label: string, count: number): readonly Draft[] =>
  Array.from({ length: count }, (_, i) => makeDraft(`${label}${i}`));

async function append(ledger: Ledger, trail: string, drafts: readonly Draft[]): Promise<void> {
  await ledger.append(trail, drafts);
  await ledger.waitPublished(trail, ledger.trail(trail)?.size ?? 0);
}

/**
 * Makes a small store that holds every kind of file, stopped cleanly: two trails `alpha` and `beta` with two segments each, rotated
 * keys in `alpha`, full and partial tiles, tails, blobs, quarantine, and unsealed log records under the published checkpoints.
 */
export async function makeStore(directory: string): Promise<MadeStore> {
  const dataDir = join(directory, "data");
  const earlier: ReadonlyMap<string, Uint8Array>[] = [];
  const remember = (): void => {
    const found = storeFiles(dataDir).map((file) => [file, readIfThere(join(dataDir, file))] as const);
    earlier.push(new Map(found.flatMap(([file, bytes]) => (bytes === undefined ? [] : [[file, bytes]]))));
  };
  const first = await openSmallLedger(directory);
  for (const name of ["alpha", "beta"]) {
    await first.createTrail({ name, tenant: "acme", by: "test" });
    await append(first, name, ids(`${name}-1-`, 258));
    await first.seal(name, { tail: false });
    remember();
  }
  await first.rotateKeys("alpha", "test");
  await append(first, "beta", [withBlob(makeDraft("overflow"), new Uint8Array(Buffer.from("ciphertext of native")))]);
  await first.close();
  remember();
  const second = await openSmallLedger(directory);
  for (const name of ["alpha", "beta"]) {
    await append(second, name, ids(`${name}-2-`, 256));
    remember();
  }
  await second.seal("alpha", { tail: true });
  await second.seal("beta", { tail: false });
  await second.seal("evident", { tail: true });
  await append(second, "alpha", [makeQuarantined("bad"), ...ids("alpha-3-", 3)]);
  await second.close();
  remember();
  const third = await openSmallLedger(directory);
  await append(third, "alpha", ids("alpha-4-", 2));
  await append(third, "beta", ids("beta-4-", 2));
  const genesis = third.trail("evident")?.genesis ?? [];
  await third.close();
  return { dataDir, keysDir: join(directory, "data.keys"), genesis, earlier };
}
