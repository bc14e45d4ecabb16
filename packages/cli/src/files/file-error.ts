import { type ErrorCode, EvidentError } from "@evident/core";

const codes: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  ENOENT: ["not_found", "is not there", "Check the path."],
  ENOTDIR: ["not_found", "is not there", "Check the path."],
  EISDIR: ["bad_request", "is a directory", "Name a file."],
  EACCES: [
    "forbidden",
    "may not be opened by this user",
    "Check the owner and the mode of the file and its directories.",
  ],
  EPERM: [
    "forbidden",
    "may not be opened by this user",
    "Check the owner and the mode of the file and its directories.",
  ],
  EROFS: ["forbidden", "lies on a read-only file system", "Name another path."],
  EEXIST: ["conflict", "exists already", "Name another path, or remove it first."],
  ENOSPC: ["storage_full", "does not fit on the disk", "Free disk space, then run it again."],
  EDQUOT: ["storage_full", "does not fit into the disk quota", "Free disk space, then run it again."],
};

/** A failure of the file system as an error with a code, an exit code and a fix. Errors that are none are given back as they are. */
export function fileError(path: string, cause: unknown): unknown {
  if (cause instanceof EvidentError || !(cause instanceof Error) || !("code" in cause)) return cause;
  const [code, what, fix] = codes[String(cause.code)] ?? [
    "storage_failed",
    `cannot be used: ${cause.message}`,
    undefined,
  ];
  return new EvidentError(code, `${path} ${what}`, { cause, ...(fix === undefined ? {} : { fix }) });
}
