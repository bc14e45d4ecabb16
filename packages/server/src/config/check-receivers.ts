import { resolve } from "node:path";
import { withDefaults } from "./check-object-list.ts";
import { configFields } from "./config-fields.ts";
import { isLoopback } from "./proxy-range.ts";
import type { S3Receiver, SyslogReceiver as WrittenSyslogReceiver } from "./receivers-schema.ts";
import type { ConfigProblem, Setting } from "./setting.ts";

export type { S3Receiver };

/** Transport, address and port of a syslog receiver. `host` is an address or a name, without brackets. */
export interface SyslogListen {
  readonly transport: "udp" | "tcp" | "tls";
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** A syslog receiver ready for use: paths absolute. */
export type SyslogReceiver = Omit<WrittenSyslogReceiver, "listen"> & { readonly listen: SyslogListen };

/** Everything under `receivers`, in the order of the file. */
export interface Receivers {
  readonly syslog: readonly SyslogReceiver[];
  readonly s3: readonly S3Receiver[];
}

/** The settings as they were checked, ready for use. */
export function resolveReceivers(syslog: Setting | undefined, s3: Setting | undefined): Receivers {
  const written = listOf("receivers.syslog", syslog) as readonly WrittenSyslogReceiver[];
  return {
    syslog: written.map(({ listen, cert, key, ca, ...rest }) => {
      const path = (name: "cert" | "key" | "ca", value: string | undefined): object =>
        value === undefined ? {} : { [name]: resolve(syslog?.directory ?? "", value) };
      return {
        ...rest,
        ...path("cert", cert),
        ...path("key", key),
        ...path("ca", ca),
        listen: parseListen(listen) ?? { transport: "udp", host: "", port: 0 },
      };
    }),
    s3: listOf("receivers.s3", s3) as readonly S3Receiver[],
  };
}

/** It passed its schema when the settings were read. */
function listOf(path: string, setting: Setting | undefined): unknown {
  const field = configFields.find((each) => each.path === path);
  if (field === undefined || setting === undefined) return [];
  return withDefaults(field, setting.value);
}

function parseListen(text: string): SyslogListen | undefined {
  const form =
    /^(?<transport>udp|tcp|tls):\/\/(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/;
  const groups = form.exec(text)?.groups;
  const host = groups?.["six"] ?? groups?.["host"];
  const port = Number(groups?.["port"] ?? Number.NaN);
  if (host === undefined || !(port <= 65_535)) return undefined;
  const transport = groups?.["transport"] === "udp" ? "udp" : groups?.["transport"] === "tcp" ? "tcp" : "tls";
  return { transport, host: host === "localhost" ? "127.0.0.1" : host, port };
}

/** Rules that concern more than one key of a receiver. `at`: where a setting stands. */
export function checkReceivers(
  config: { readonly receivers: Receivers; readonly tls: { readonly cert: string | undefined } },
  at: (path: string) => string,
): readonly ConfigProblem[] {
  const { syslog, s3 } = config.receivers;
  const hasTls = config.tls.cert !== undefined;
  return [
    ...syslog.flatMap((receiver, i) => checkSyslog(receiver, `receivers.syslog[${i}]`, hasTls, at("receivers.syslog"))),
    ...s3.flatMap((receiver, i) => checkS3(receiver, `receivers.s3[${i}]`, at("receivers.s3"))),
  ];
}

function checkSyslog(receiver: SyslogReceiver, name: string, hasTls: boolean, at: string): readonly ConfigProblem[] {
  const { listen, allowPlain, cert, key, ca } = receiver;
  const problems: ConfigProblem[] = [];
  const add = (problem: string, fix: string): void => void problems.push({ at, problem, fix });
  if (listen.host === "") {
    add(`\`${name}.listen\` has no address and port`, "Give for example udp://127.0.0.1:5514 or tls://[::]:6514.");
    return problems;
  }
  if (listen.transport === "tls") {
    if ((cert === undefined) !== (key === undefined)) {
      add(`\`${name}\` has only one of \`cert\` and \`key\``, "Set both, or neither to use the server's `tls`.");
    } else if (cert === undefined && !hasTls) {
      add(`\`${name}\` has no certificate`, "Set its `cert` and `key`, or the server's `tls.cert` and `tls.key`.");
    }
    return problems;
  }
  if (cert !== undefined || key !== undefined || ca !== undefined) {
    add(`\`${name}\` has files for TLS and is no tls://`, "Listen on tls://, or leave out `cert`, `key` and `ca`.");
  }
  if (!isLoopback(listen.host) && !allowPlain) {
    const where = `${listen.transport}://${listen.host}:${listen.port}`;
    add(
      `\`${name}.listen\` ${where} is reachable from outside without TLS`,
      "Use tls://, listen on 127.0.0.1, or set `allowPlain: true` where the network is trusted.",
    );
  }
  return problems;
}

function checkS3({ endpoint, allowPlain }: S3Receiver, name: string, at: string): readonly ConfigProblem[] {
  if (endpoint === undefined) return [];
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined) return [{ at, problem: `\`${name}.endpoint\` is no URL`, fix: "Give https://HOST[:PORT]." }];
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "https:" || isLoopback(host) || host === "localhost" || allowPlain) return [];
  const fix = "Use https://, or set `allowPlain: true` where the network is trusted.";
  return [{ at, problem: `\`${name}.endpoint\` ${endpoint} is not encrypted`, fix }];
}
