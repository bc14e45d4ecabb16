import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import { type ApiKey, hashApiKey, makeApiKey, matchesHash, parseApiKey } from "./api-key.ts";
import { EVERY } from "./grant.ts";
import { type KeyState, keyCreated } from "./key-state.ts";

const FILE_NAME = "bootstrap-admin";

/** What came of the bootstrap: `made` carries the key so that it can be shown once on a terminal. */
export type Bootstrap =
  | { readonly kind: "made"; readonly key: string; readonly file: string }
  | { readonly kind: "given"; readonly keyId: string }
  | { readonly kind: "present" };

function readKeyFile(file: string): ApiKey | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
  const key = parseApiKey(text.trim());
  if (key !== undefined) return key;
  // A crash while it was written; nothing knows that key.
  rmSync(file);
  return undefined;
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Writes the key for its owner only, durable before the trail knows it: a key nobody has could never be used. */
function writeKeyFile(keysDir: string, file: string, key: ApiKey): void {
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeSync(descriptor, `${key.text}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  syncDirectory(keysDir);
}

/**
 * Sees to it that there is an administrator: the key in `EVIDENT_BOOTSTRAP_KEY` when it is given and its id is unknown; otherwise, in a
 * store without any key, a new one written to `<keys>/bootstrap-admin` (mode 0600).
 *
 * @throws EvidentError `config_invalid` when the given key does not have the form of one, or the id of another
 *
 * A crash between writing the file and storing the statement is finished by the next start, which takes the key from the file.
 */
export async function bootstrapAdmin(options: {
  readonly ledger: Ledger;
  readonly state: KeyState;
  readonly keysDir: string;
  readonly given: string | undefined;
}): Promise<Bootstrap> {
  const { ledger, state, keysDir, given } = options;
  const store = (key: ApiKey): Promise<number> =>
    ledger.appendStatement(
      keyCreated({
        id: key.id,
        role: "admin",
        tenant: EVERY,
        sources: [EVERY],
        trails: [EVERY],
        hash: hashApiKey(key),
        name: "bootstrap",
        by: "bootstrap",
      }),
    );
  if (given !== undefined && given !== "") {
    const key = parseApiKey(given.trim());
    if (key === undefined) {
      throw new EvidentError(
        "config_invalid",
        "EVIDENT_BOOTSTRAP_KEY does not have the form evk_<16 hex digits>_<43 characters>",
        {
          fix: "Unset it, or make one: echo evk_$(openssl rand -hex 8)_$(openssl rand -base64 32 | tr '+/' '-_' | tr -d =)",
        },
      );
    }
    const known = Object.hasOwn(state.keys, key.id) ? state.keys[key.id] : undefined;
    if (known !== undefined && !matchesHash(key, known.hash)) {
      throw new EvidentError("config_invalid", `EVIDENT_BOOTSTRAP_KEY has the id ${key.id} of another key`, {
        fix: "Give the key that was given before, or one with another id.",
      });
    }
    if (known !== undefined) return { kind: "present" };
    await store(key);
    return { kind: "given", keyId: key.id };
  }
  if (Object.keys(state.keys).length > 0) return { kind: "present" };
  const file = join(keysDir, FILE_NAME);
  const unfinished = readKeyFile(file);
  const key = unfinished ?? makeApiKey();
  if (unfinished === undefined) writeKeyFile(keysDir, file, key);
  await store(key);
  return { kind: "made", key: key.text, file };
}
