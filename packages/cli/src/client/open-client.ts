import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { join, resolve } from "node:path";
import { EvidentError } from "@evident/core";
import type { Flags, FlagValues, Io } from "../command/index.ts";
import { fileError } from "../files/index.ts";
import { version } from "../version.ts";
import { HttpClient } from "./http-client.ts";

/** Flags of every verb that talks to a server. */
export const clientFlags = {
  url: { kind: "text", value: "URL", summary: "Server. Default: EVIDENT_URL, else http://127.0.0.1:7070." },
  key: {
    kind: "text",
    value: "KEY",
    summary:
      "API key. Default: EVIDENT_KEY (other users of this machine can see arguments, but not variables); for a server on this " +
      "machine else the key in ./data.keys/bootstrap-admin.",
  },
  ca: { kind: "text", value: "FILE", summary: "PEM certificates to trust for https instead of the system's." },
} as const satisfies Flags;

const DEFAULT_URL = "http://127.0.0.1:7070";
const BOOTSTRAP_FILE = join("data.keys", "bootstrap-admin");

/** Whether the URL names this machine, so that its administrator's key may go there. `127.example.com` does not. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

function parseServerUrl(text: string, source: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.search === "") return url;
  throw new EvidentError("bad_request", `${source} is ${JSON.stringify(text.slice(0, 100))}`, {
    fix: "Give a URL such as https://evident.example.com or http://127.0.0.1:7070.",
  });
}

function bootstrapKey(url: URL, io: Io): string | undefined {
  if (!isLoopback(url)) return undefined;
  try {
    const key = readFileSync(join(io.workingDirectory, BOOTSTRAP_FILE), "utf8").trim();
    void io.err.line(io.err.style("dim", `no key given: using the administrator's in ${BOOTSTRAP_FILE}`));
    return key;
  } catch {
    // Not there or not ours to read: the request goes out without a key, and the server says what it needs.
    return undefined;
  }
}

function readCertificates(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.workingDirectory, file), "utf8");
  } catch (cause) {
    throw fileError(file, cause);
  }
}

/** Where the server is and which key to show it, from flags and environment. */
export interface Connection {
  readonly url: URL;
  readonly key?: string;
  readonly ca?: string;
}

/** @throws EvidentError `bad_request` when a value cannot be one */
export function readConnection(flags: FlagValues<typeof clientFlags>, io: Io): Connection {
  const url = parseServerUrl(
    flags.url ?? (io.env["EVIDENT_URL"] || DEFAULT_URL),
    flags.url === undefined ? "EVIDENT_URL" : "--url",
  );
  const given = flags.key ?? (io.env["EVIDENT_KEY"] || undefined);
  const key = given ?? bootstrapKey(url, io);
  if (key !== undefined && !/^[\u0021-\u007e]+$/.test(key)) {
    throw new EvidentError("bad_request", "the API key has characters that no key has", {
      fix: "Give it as it was shown: evk_, 16 hex digits, _, 43 characters.",
    });
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    void io.err.line(
      io.err.style("yellow", `warning: ${url.origin} is not encrypted; the API key can be read on the way`),
    );
  }
  return {
    url,
    ...(key === undefined ? {} : { key }),
    ...(flags.ca === undefined ? {} : { ca: readCertificates(io, flags.ca) }),
  };
}

/** Opens a client to the server that the flags and the environment name. The caller closes it. */
export function openClient(
  flags: FlagValues<typeof clientFlags>,
  io: Io,
  options: { readonly connections?: number } = {},
): HttpClient {
  return new HttpClient({ ...readConnection(flags, io), ...options, userAgent: `evident-cli/${version}` });
}
