import { join } from "node:path";
import type { Problem } from "../errors/index.ts";
import { parseDigestKey, parseKey, parseName, parseNumber, parseUrl } from "../settings/index.ts";
import type { QuarantinedEvent } from "./sender.ts";
import { warnOfProblems } from "./warn-of-problems.ts";

const MIB = 1 << 20;

/** Settings of a client. Only `system` is required where `EVIDENT_URL` and `EVIDENT_KEY` are in the environment. */
export interface EvidentOptions {
  /** The server's address, for example `https://evident.example`. Default: `EVIDENT_URL`. */
  readonly url?: string;
  /** An API key of the role `producer`. Default: `EVIDENT_KEY`. */
  readonly key?: string;
  /** The system that is accessed: this application's name. */
  readonly system: string;
  /** The named sender. Default: the key's own source, which the server fills in. */
  readonly source?: string;
  /** The trail to store in. Default: the key's. */
  readonly trail?: string;
  readonly spool?: {
    /** A folder on a local disk that outlives the process; several processes may share it. Default: `.evident-spool` in the working directory. */
    readonly dir?: string;
    /** Most bytes that may wait on disk for this process, what it adopted included. Default 256 MiB. */
    readonly maxBytes?: number;
    /** A file's size before the next is begun, which bounds what is sent again after a crash. Default 1 MiB, at most a quarter of `maxBytes`. */
    readonly segmentBytes?: number;
  };
  /** What `record` does when the spool is full: `refuse` (default) takes no sequence number; `drop-newest` leaves a hole in them. */
  readonly whenFull?: "refuse" | "drop-newest";
  /** How long an event may wait for others before it is sent. Default 250 ms. */
  readonly flushIntervalMs?: number;
  /** Most events in a request. Default 1,000. */
  readonly batchEvents?: number;
  /** Most bytes in a request. Default 512 KiB. */
  readonly batchBytes?: number;
  /** A larger event is refused. Default 1 MiB. */
  readonly maxEventBytes?: number;
  /** How long after `record` an event is durable on the disk at the latest. Default 200 ms. */
  readonly syncIntervalMs?: number;
  /** How long a request may take before it is given up and sent again. Default 30,000 ms. */
  readonly requestTimeoutMs?: number;
  /** Longest wait between tries. Default 30,000 ms. */
  readonly maxBackoffMs?: number;
  /** How often the event `evident.heartbeat` is recorded; 0: never. Default 60,000 ms. */
  readonly heartbeatIntervalMs?: number;
  /** Key of the digests of `digest` and `changes`, at least 16 bytes. */
  readonly digestKey?: string | Uint8Array;
  /** Close on SIGTERM and SIGINT, then let the signal have its way. For applications without a shutdown of their own. Default false. */
  readonly handleSignals?: boolean;
  /** How long `adopt` waits for a writer whose process cannot be looked up: in another container or host. Default 60,000 ms. */
  readonly adoptAfterMs?: number;
  /** Is told each event that the server put in quarantine, with the reasons. It is stored there: sending it again changes nothing. */
  readonly onQuarantined?: (event: QuarantinedEvent) => void;
  /** Is told what an operator should know. Default: `process.emitWarning`, each code at most once a minute. */
  readonly onProblem?: (problem: Problem) => void;
}

/** Settings with their defaults. */
export interface Settings {
  readonly url: string;
  readonly key: string;
  readonly system: string;
  readonly source: string | undefined;
  readonly trail: string | undefined;
  readonly dir: string;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly whenFull: "refuse" | "drop-newest";
  readonly flushIntervalMs: number;
  readonly batch: { readonly events: number; readonly bytes: number };
  readonly maxEventBytes: number;
  readonly syncIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly maxBackoffMs: number;
  readonly heartbeatIntervalMs: number;
  readonly adoptAfterMs: number;
  readonly digestKey: string | Uint8Array | undefined;
  readonly handleSignals: boolean;
  readonly onQuarantined: ((event: QuarantinedEvent) => void) | undefined;
  readonly onProblem: (problem: Problem) => void;
}

/** Checks settings and fills in the defaults. @throws SdkError naming the setting and what to give */
export function parseOptions(options: EvidentOptions, environment: NodeJS.ProcessEnv): Settings {
  const { spool = {} } = options;
  const day = 86_400_000;
  const maxBytes = parseNumber("spool.maxBytes", spool.maxBytes, 256 * MIB, [65_536, 2 ** 50]);
  const segmentMost = Math.floor(maxBytes / 4);
  return {
    url: parseUrl(options.url ?? environment.EVIDENT_URL),
    key: parseKey(options.key ?? environment.EVIDENT_KEY),
    system: parseName("system", options.system),
    source: options.source === undefined ? undefined : parseName("source", options.source),
    trail: options.trail === undefined ? undefined : parseName("trail", options.trail),
    dir: spool.dir ?? join(process.cwd(), ".evident-spool"),
    maxBytes,
    segmentBytes: parseNumber("spool.segmentBytes", spool.segmentBytes, Math.min(MIB, segmentMost), [
      4_096,
      segmentMost,
    ]),
    whenFull: options.whenFull ?? "refuse",
    flushIntervalMs: parseNumber("flushIntervalMs", options.flushIntervalMs, 250, [1, day]),
    batch: {
      events: parseNumber("batchEvents", options.batchEvents, 1_000, [1, 100_000]),
      bytes: parseNumber("batchBytes", options.batchBytes, 512 << 10, [1_024, 64 * MIB]),
    },
    maxEventBytes: parseNumber("maxEventBytes", options.maxEventBytes, MIB, [1_024, 64 * MIB]),
    syncIntervalMs: parseNumber("syncIntervalMs", options.syncIntervalMs, 200, [1, day]),
    requestTimeoutMs: parseNumber("requestTimeoutMs", options.requestTimeoutMs, 30_000, [100, day]),
    maxBackoffMs: parseNumber("maxBackoffMs", options.maxBackoffMs, 30_000, [10, day]),
    heartbeatIntervalMs: parseNumber("heartbeatIntervalMs", options.heartbeatIntervalMs, 60_000, [0, day]),
    adoptAfterMs: parseNumber("adoptAfterMs", options.adoptAfterMs, 60_000, [1_000, day]),
    digestKey: parseDigestKey(options.digestKey),
    handleSignals: options.handleSignals ?? false,
    onQuarantined: options.onQuarantined,
    onProblem: options.onProblem ?? warnOfProblems(),
  };
}
