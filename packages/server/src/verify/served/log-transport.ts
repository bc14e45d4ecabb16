/** What a server answered to a GET. */
export interface ServedObject {
  readonly status: number;
  /** The body, the verifier's to keep; of one longer than asked for, the first `maxBytes` + 1. */
  readonly bytes: Uint8Array;
  /** Seconds of a `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

/** How the verifier reaches the server: the caller brings connection, key and trust in the server's certificate. */
export interface LogTransport {
  /**
   * Fetches what lies at a path, which begins with `/`. Any status is an answer.
   *
   * @throws EvidentError `unreachable` when there is none; the signal's reason when it aborts
   */
  fetchObject(
    path: string,
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<ServedObject>;
}
