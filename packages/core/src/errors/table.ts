/** What a user can do about an error: HTTP status, process exit code and the fix, in one place for API, CLI and docs. */
export interface ErrorKind {
  readonly status: number;
  readonly exit: number;
  readonly fix: string;
}

/**
 * Every error code of Evident. The code is the contract; `docs/errors.md` lists the same codes (a test compares both ways).
 * Exit codes 0 to 3 belong to the command line's own verdicts (fine, verification failed, usage, gaps).
 */
export const errors = {
  bad_encoding: { status: 400, exit: 2, fix: "Send canonical base64 or hex without spaces." },
  bad_request: { status: 400, exit: 2, fix: "Correct the named field and send the request again." },
  clock_stalled: { status: 503, exit: 10, fix: "Check the host's clock, then confirm it." },
  config_invalid: {
    status: 500,
    exit: 2,
    fix: "Correct the named key in the configuration; docs/config.md lists them all.",
  },
  conflict: { status: 409, exit: 11, fix: "Use another name, or read the existing one." },
  corrupt_store: {
    status: 500,
    exit: 12,
    fix: "Stop writing, keep the data directory as evidence, and run `evident verify`.",
  },
  forbidden: { status: 403, exit: 13, fix: "Use a key whose role and trails allow this." },
  internal: { status: 500, exit: 70, fix: "Report it with the server's log lines of this request." },
  malformed: {
    status: 400,
    exit: 22,
    fix: "The bytes are not what they should be; fetch them again, and keep them as evidence if they stay so.",
  },
  not_found: { status: 404, exit: 14, fix: "Check the name or id." },
  not_ready: { status: 503, exit: 25, fix: "Wait until the server is ready; GET /readyz says what it waits for." },
  overloaded: { status: 429, exit: 15, fix: "Wait the seconds named in Retry-After, then send again." },
  rolled_back: {
    status: 500,
    exit: 16,
    fix: "The store is behind a head it has already shown. Restore the newest copy.",
  },
  storage_failed: {
    status: 500,
    exit: 17,
    fix: "Check the disk. Nothing unacknowledged is stored; start the server again to recover.",
  },
  storage_full: { status: 507, exit: 18, fix: "Free disk space; the server accepts events again by itself." },
  store_in_use: { status: 500, exit: 19, fix: "Another Evident server has this data directory open. Stop it first." },
  too_large: { status: 413, exit: 23, fix: "Send less at once; `limits` in the configuration has the bounds." },
  too_slow: { status: 408, exit: 24, fix: "Send again what has no verdict; keep the body coming." },
  unauthenticated: {
    status: 401,
    exit: 20,
    fix: "Send `Authorization: Bearer <key>`; keys are made with `evident keys create`.",
  },
  unreachable: { status: 502, exit: 21, fix: "Check the URL and that the server runs." },
  unsupported_media: {
    status: 415,
    exit: 26,
    fix: "Send application/json or application/x-ndjson, plain or with content-encoding gzip or zstd.",
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errors;
