/** Lines with a verdict each. */
export interface Verdict {
  readonly status: "stored" | "duplicate" | "folded" | "quarantined";
  readonly trail: string;
  readonly index: number;
  readonly id?: string;
  readonly reasons?: readonly Reason[];
}

/** Why an event is in quarantine. */
export interface Reason {
  readonly field: string;
  readonly problem: string;
  readonly fix: string;
}

/** Where events go. `url` is the server's, without a path. */
export interface Target {
  readonly url: string;
  readonly key: string;
  readonly trail: string | undefined;
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
}

/** Why the rest of the lines has no verdict. `waitMs`: the server asked for it. */
export interface SendFailure {
  readonly code: "unreachable" | "busy" | "key_refused" | "not_evident" | "too_large" | "refused";
  readonly message: string;
  readonly fix: string;
  readonly waitMs?: number;
}

/** The server may not make the client hold an endless line. */
const MAX_VERDICT_LENGTH = 4 << 20;
const MAX_WAIT_MS = 3_600_000;
const statuses: readonly unknown[] = ["stored", "duplicate", "folded", "quarantined"];

/** `Retry-After` in milliseconds: seconds, or an HTTP date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header === "") return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, waitMs));
}

function failureOf(status: number, problem: { readonly code?: unknown; readonly detail?: unknown }): SendFailure {
  const said = typeof problem.detail === "string" ? `: ${problem.detail.slice(0, 500)}` : "";
  const message = `the server answered ${status}${said}`;
  if (status === 401 || status === 403)
    return { code: "key_refused", message, fix: "Give a producer's key that is valid for the trail." };
  if (status === 413 && problem.code === "too_large")
    return { code: "too_large", message, fix: "Lower batchBytes, or raise limits.bodyBytes on the server." };
  if (status === 408 || status === 429 || status >= 500)
    return { code: "busy", message, fix: "Nothing: events wait in the spool and are sent again." };
  return { code: "refused", message, fix: "Check url and trail; events wait in the spool." };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseVerdict(text: string): Verdict | SendFailure {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null) {
    const { status, index, error } = value as { status?: unknown; index?: unknown; error?: unknown };
    if (typeof error === "object" && error !== null)
      return failureOf(Number((error as { status?: unknown }).status), error);
    if (statuses.includes(status) && typeof index === "number") return value as Verdict;
  }
  return notEvident("its answer holds a line that is no verdict");
}

function notEvident(why: string): SendFailure {
  return { code: "not_evident", message: why, fix: "Check that url is an Evident server's." };
}

function reach(cause: unknown): SendFailure {
  const { message = String(cause), cause: inner } = cause as { message?: string; cause?: { message?: string } };
  const why = inner?.message === undefined || inner.message === "" ? message : `${message}: ${inner.message}`;
  return {
    code: "unreachable",
    message: `the server cannot be reached: ${why}`,
    fix: "Events wait and are sent again.",
  };
}

/** Reads verdicts as they come: what was answered before a failure stays answered. */
async function readVerdicts(
  body: ReadableStream<Uint8Array>,
  take: (verdict: Verdict) => void,
): Promise<SendFailure | undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const texts = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = texts.pop() ?? "";
      for (const text of texts) {
        const verdict = parseVerdict(text);
        if ("code" in verdict) return verdict;
        take(verdict);
      }
      if (rest.length > MAX_VERDICT_LENGTH) return notEvident("its answer holds an endless line");
      if (done) return undefined;
    }
  } finally {
    // The connection is of no further use once the answer is not read to its end.
    reader.cancel().catch(() => undefined);
  }
}

/**
 * Sends lines of NDJSON once.
 *
 * @param take is told each line's verdict, in order
 * @returns undefined when every line has its verdict; otherwise why the rest has none. Never rejects.
 */
export async function sendLines(
  target: Target,
  lines: { readonly body: Uint8Array<ArrayBuffer>; readonly count: number },
  take: (verdict: Verdict) => void,
  stop?: AbortSignal,
): Promise<SendFailure | undefined> {
  const query = target.trail === undefined ? "" : `?trail=${encodeURIComponent(target.trail)}`;
  const timeout = AbortSignal.timeout(target.timeoutMs);
  let answered = 0;
  const count = (verdict: Verdict): void => {
    if (answered >= lines.count) return;
    answered += 1;
    take(verdict);
  };
  try {
    const answer = await target.fetch(`${target.url}/v1/events${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${target.key}`, "content-type": "application/x-ndjson" },
      body: lines.body,
      redirect: "manual",
      signal: stop === undefined ? timeout : AbortSignal.any([stop, timeout]),
    });
    if (answer.status !== 200) {
      const problem = parseJson((await answer.text()).slice(0, MAX_VERDICT_LENGTH));
      const failure = failureOf(answer.status, typeof problem === "object" && problem !== null ? problem : {});
      const waitMs = retryAfterMs(answer.headers.get("retry-after"), Date.now());
      return waitMs === undefined ? failure : { ...failure, waitMs };
    }
    if (answer.body === null) return notEvident("its answer is empty");
    const failure = await readVerdicts(answer.body, count);
    if (failure !== undefined || answered === lines.count) return failure;
    return reach(new Error("the answer ended too early"));
  } catch (cause) {
    return reach(cause);
  }
}
