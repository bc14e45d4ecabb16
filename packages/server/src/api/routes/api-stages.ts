import type { Config } from "../../config/index.ts";
import type { CheckedChunk, MakeConflict } from "../ingest/index.ts";

/** Who sends, as the check sees it. */
export interface Producer {
  readonly tenant: string;
  readonly sources: readonly string[];
  readonly trail: string;
  readonly keyId: string;
}

/** How a body is read. */
export interface BodyOptions {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly limits: Config["limits"];
  readonly producer: Producer;
}

/** The stages before the ledger, joined by the package root: capture reads lines, check judges them. */
export interface ApiStages {
  /** @throws EvidentError `unsupported_media` and others before the first chunk; later failures are `broken` chunks */
  readBody(bytes: AsyncIterable<Uint8Array>, options: BodyOptions): AsyncIterable<CheckedChunk>;
  readonly makeConflict: MakeConflict;
}
