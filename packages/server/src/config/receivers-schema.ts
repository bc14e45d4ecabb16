import { type Static, Type } from "typebox";

const Trail = Type.String({
  description:
    "Trail to store in. It is made when it is missing and `tenant` is set; without `tenant` a missing trail stops start-up.",
  pattern: "^[a-z][a-z0-9-]{0,62}$",
});
const Tenant = Type.Optional(
  Type.String({
    description: "Tenant of the trail. Default: the trail's own. Another than the trail's stops start-up.",
    minLength: 1,
    maxLength: 128,
  }),
);
const Source = Type.String({
  description: "Source of the events, as an API key would name it.",
  minLength: 1,
  maxLength: 128,
});
const Options = Type.Record(Type.String(), Type.Unknown(), {
  description: "Options of the format, by name; `evident adapters NAME` lists them. Default: none.",
  default: {},
});
const file = (description: string) => Type.Optional(Type.String({ description, minLength: 1 }));

const SyslogReceiverSchema = Type.Object(
  {
    listen: Type.String({
      description:
        "Transport, address and port: `udp://127.0.0.1:5514`, `tcp://…` or `tls://…`; port 0 takes a free one. UDP and TCP beyond loopback need `allowPlain`.",
      pattern: "^(?:udp|tcp|tls)://[^/@]+:[0-9]{1,5}$",
    }),
    trail: Trail,
    tenant: Tenant,
    source: Source,
    format: Type.String({
      description:
        "Format of the messages: the name of an adapter, or auto. Default syslog. Messages of another format go to quarantine.",
      default: "syslog",
      minLength: 1,
    }),
    options: Options,
    allowPlain: Type.Boolean({
      description:
        "Allows UDP or TCP beyond loopback, where anybody on the way can read, change and forge messages. Default false.",
      default: false,
    }),
    cert: file(
      "With `tls://`: path of the PEM certificate chain, read again when it changes. Default: `tls.cert` of the server.",
    ),
    key: file("With `tls://`: path of the PEM private key of `cert`. Default: `tls.key` of the server."),
    ca: file(
      "With `tls://`: path of the PEM certificates that clients must be signed by. Default: none, any client may connect.",
    ),
  },
  { additionalProperties: false },
);

const S3ReceiverSchema = Type.Object(
  {
    bucket: Type.String({ description: "Name of the bucket.", pattern: "^[a-zA-Z0-9.\\-_]{3,255}$" }),
    prefix: Type.String({
      description: "Beginning of the keys to read, usually ending with `/`. Default: empty, the whole bucket.",
      default: "",
      maxLength: 1_024,
    }),
    region: Type.String({
      description: "Region of the bucket, for example `eu-central-1`.",
      minLength: 1,
      maxLength: 64,
    }),
    endpoint: Type.Optional(
      Type.String({
        description:
          "URL of another service with the S3 API. Default: AWS. Plain `http://` beyond loopback needs `allowPlain`.",
        pattern: "^https?://[^/@]+/?$",
      }),
    ),
    forcePathStyle: Type.Boolean({
      description:
        "Puts the bucket into the path instead of the host name, as many other services need it. Default false.",
      default: false,
    }),
    allowPlain: Type.Boolean({
      description: "Allows an `http://` endpoint beyond loopback. Default false.",
      default: false,
    }),
    format: Type.String({
      description:
        "Format of the objects: the name of an adapter, or auto. Default auto. Objects may be compressed with gzip or zstd.",
      default: "auto",
      minLength: 1,
    }),
    options: Options,
    source: Source,
    trail: Trail,
    tenant: Tenant,
    everySeconds: Type.Integer({
      description:
        "Seconds between two looks at the bucket. Default 60. Less finds objects sooner and costs more requests.",
      default: 60,
      minimum: 1,
      maximum: 86_400,
    }),
    startAfter: Type.Optional(
      Type.String({
        description:
          "Key after which to begin: keys up to it, as text, are never read. Default: none, everything under the prefix is read.",
        maxLength: 1_024,
      }),
    ),
  },
  { additionalProperties: false },
);

const MAX_RECEIVERS = 64;

/** What the server receives by itself, beside HTTP. */
export const ReceiversSchema = Type.Object(
  {
    syslog: Type.Array(SyslogReceiverSchema, {
      description:
        "Addresses to take syslog on (RFC 5424 and 3164 over UDP, TCP and TLS). Default: none. UDP loses messages under load, and neither UDP " +
        "nor TCP says that a message is stored: for evidence prefer a sender with HTTP. See docs/receivers.md.",
      default: [],
      maxItems: MAX_RECEIVERS,
    }),
    s3: Type.Array(S3ReceiverSchema, {
      description:
        "Prefixes of S3 buckets whose objects are read as they appear, each once. Default: none. Credentials come from where AWS' own " +
        "tools take them: environment, shared files, roles. See docs/receivers.md.",
      default: [],
      maxItems: MAX_RECEIVERS,
    }),
  },
  { additionalProperties: false, description: "Logs that are fetched or sent here without HTTP." },
);

/** One address that takes syslog. */
export type SyslogReceiver = Readonly<Static<typeof SyslogReceiverSchema>>;
/** One prefix of a bucket. */
export type S3Receiver = Readonly<Static<typeof S3ReceiverSchema>>;
