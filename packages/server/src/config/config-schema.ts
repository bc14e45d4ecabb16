import { type Static, Type } from "typebox";
import { ReceiversSchema } from "./receivers-schema.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

const bytes = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: fallback, minimum, maximum });
const count = bytes;
const milliseconds = bytes;

const Tls = Type.Object(
  {
    cert: Type.String({
      description:
        "Path of the PEM certificate chain. Read again when the file changes and on SIGHUP; a chain that cannot be read " +
        "then keeps the old one in use and logs an error. Default: none. At start-up a missing file stops the server.",
      minLength: 1,
    }),
    key: Type.String({
      description:
        "Path of the PEM private key of `tls.cert`, read when the certificate is. Default: none. A key that does not " +
        "belong to the certificate stops start-up.",
      minLength: 1,
    }),
  },
  { additionalProperties: false, description: "HTTPS. Both files or neither." },
);

const Limits = Type.Object(
  {
    bodyBytes: bytes(
      "Largest request body of `POST /v1/events` in bytes, after decompression. Default 8 GiB. A body is streamed, so this " +
        "bounds time rather than memory; lines before the limit are stored, then the answer ends with an error.",
      8 * GIB,
      64 * KIB,
      Number.MAX_SAFE_INTEGER,
    ),
    lineBytes: bytes(
      "Longest line or array element that is read whole, in bytes. Default 16 MiB. A longer one is quarantined with its " +
        "first 64 KiB; each concurrent ingest may hold this much memory.",
      16 * MIB,
      64 * KIB,
      256 * MIB,
    ),
    requestsPerSecond: count(
      "Requests per second that one API key (or one address without a key) may make. Default 1000. Too low and `evident verify` " +
        "over HTTP is slowed by 429 answers; too high and one client can take the server's time.",
      1000,
      1,
      1_000_000,
    ),
    concurrentIngests: count(
      "Number of `POST /v1/events` bodies read at the same time. Default 64. More are answered 429; each may hold a few MiB.",
      64,
      1,
      10_000,
    ),
    concurrentTails: count(
      "Number of open `GET /v1/tail` streams. Default 256. More are answered 429; each is filtered on the server.",
      256,
      1,
      100_000,
    ),
    pendingBytes: bytes(
      "Bytes of entries that may wait for the disk. Default 64 MiB. Above it ingest is answered 429 with Retry-After; too low and " +
        "a slow disk refuses bursts, too high and memory grows by a small multiple of it.",
      64 * MIB,
      MIB,
      16 * GIB,
    ),
  },
  { additionalProperties: false, description: "What one request, one key and all of them together may use." },
);

const Ledger = Type.Object(
  {
    publishIntervalMs: milliseconds(
      "Least time between two checkpoints of a trail, in milliseconds. Default 1000. Receipts exist once a checkpoint covers them; " +
        "lower costs a signature of 0.5 ms and a few synced files each time.",
      SECOND_MS,
      10,
      HOUR_MS,
    ),
    segmentEntries: Type.Integer({
      description:
        "Entries of a trail after which they are sealed into a segment file, a multiple of 256. Default 1048576. Too low and there " +
        "are many small files; too high and the write-ahead log grows.",
      default: 1_048_576,
      minimum: 256,
      maximum: 16_777_216,
      multipleOf: 256,
    }),
    sealAgeMs: milliseconds(
      "Age of the oldest unsealed entry at which a quiet trail is sealed, in milliseconds. Default 86400000 (a day). Too low and " +
        "there are many tails.",
      24 * HOUR_MS,
      SECOND_MS,
      30 * 24 * HOUR_MS,
    ),
    walBytes: bytes(
      "Size of the write-ahead log at which trails are sealed early, in bytes. Default 1 GiB. Start-up reads what is unsealed, " +
        "so a larger log means a longer start after a crash.",
      GIB,
      MIB,
      1024 * GIB,
    ),
  },
  { additionalProperties: false, description: "When entries are published and sealed." },
);

const Search = Type.Object(
  {
    memoryBytes: bytes(
      "Memory of the search engine in bytes. Default 512 MiB. Too low and large searches spill to disk and slow down.",
      512 * MIB,
      64 * MIB,
      1024 * GIB,
    ),
  },
  { additionalProperties: false, description: "The index." },
);

const Log = Type.Object(
  {
    level: Type.Enum(["fatal", "error", "warn", "info", "debug", "trace"], {
      description:
        "Least level that is logged. Default info. Logs are JSON lines on stderr; keys and query texts are never logged.",
      default: "info",
    }),
  },
  { additionalProperties: false, description: "The server's own log." },
);

/**
 * Every setting, once: the parser, the environment's and the command line's names, `docs/config.md` and the commented file of
 * `evident init` come from it. A description says the unit, the default and what goes wrong.
 */
export const ConfigSchema = Type.Object(
  {
    data: Type.String({
      description:
        "Directory of trails, write-ahead log, blobs and index. Default `./data`. A second server on the same directory is refused.",
      default: "./data",
      minLength: 1,
    }),
    keys: Type.Optional(
      Type.String({
        description:
          "Directory of the signing keys and the bootstrap key. Default: the data directory's path with `.keys` added. Lost keys " +
          "cannot be made again: back it up apart from the data.",
        minLength: 1,
      }),
    ),
    vault: Type.Optional(
      Type.String({
        description:
          "Directory of the erasable keys of quarantined and overflowing bytes. Default: the data directory's path with `.vault` added. " +
          "Without it those bytes cannot be read; everything still verifies.",
        minLength: 1,
      }),
    ),
    listen: Type.String({
      description:
        "Address and port to serve on, as HOST:PORT; IPv6 hosts in brackets; port 0 takes a free one. Default `127.0.0.1:7070`. " +
        "Beyond loopback it needs `tls` or `behindProxy`, or start-up stops: API keys would travel in the clear.",
      default: "127.0.0.1:7070",
      minLength: 1,
    }),
    originHost: Type.String({
      description:
        "Host part of the origins of trails made from now on: a DNS name of yours. Default `evident.invalid`. Existing trails keep theirs.",
      default: "evident.invalid",
      pattern: "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$",
    }),
    behindProxy: Type.Array(Type.String({ minLength: 1 }), {
      description:
        "Addresses or CIDR ranges of the proxies that end TLS in front of this server. Default: none. Their X-Forwarded-For is believed; " +
        "without `tls`, other peers that are not loopback are refused. A range that is too wide lets clients forge their address.",
      default: [],
      maxItems: 64,
    }),
    tls: Type.Optional(Tls),
    limits: Limits,
    ledger: Ledger,
    search: Search,
    receivers: ReceiversSchema,
    log: Log,
  },
  { additionalProperties: false },
);

/** Settings as written: paths unresolved, `keys` and `vault` possibly absent. */
export type WrittenConfig = Static<typeof ConfigSchema>;
