import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { objectStoreContract } from "./object-store.contract.ts";
import { openFileStorage } from "./open-file-storage.ts";
import { type StoragePlace, walContract } from "./wal.contract.ts";

function makePlace(): StoragePlace {
  const directory = mkdtempSync(join(tmpdir(), "evident-storage-"));
  return {
    open: () => openFileStorage(join(directory, "data")),
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}

describe("file log", () => walContract(makePlace));
describe("file objects", () => objectStoreContract(makePlace));
