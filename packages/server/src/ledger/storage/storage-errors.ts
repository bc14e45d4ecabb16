import { EvidentError } from "@evident/core";

const full: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** The system error code of a failed file operation, as `ENOENT`; undefined for anything else. */
export function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}

/** True for the errors that freeing disk space heals. */
export function isDiskFull(cause: unknown): boolean {
  return full.has(systemCode(cause) ?? "");
}

/**
 * Gives a system error its code: `storage_full` when freeing space heals it, else `storage_failed`.
 * Everything else, a failure of the caller's own code among it, passes unchanged.
 */
export function toStorageError(cause: unknown, doing: string): unknown {
  if (cause instanceof EvidentError || systemCode(cause) === undefined || !(cause instanceof Error)) return cause;
  return new EvidentError(isDiskFull(cause) ? "storage_full" : "storage_failed", `${doing}: ${cause.message}`, {
    cause,
  });
}

/**
 * The failure of a sync of names. Always `storage_failed`, on a full disk too: the names that were to become durable may have been
 * lost with it, and a second sync would say that all is well.
 */
export function toUnsynced(cause: unknown, path: string): unknown {
  if (systemCode(cause) === undefined || !(cause instanceof Error)) return cause;
  return new EvidentError("storage_failed", `${path}: ${cause.message}`, { cause });
}
