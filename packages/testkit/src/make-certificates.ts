import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** PEM files of an authority, a server for localhost and a client, both signed by it. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Makes certificates in a directory with the command `openssl`. */
export function makeCertificates(directory: string): Certificates {
  const path = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
  const ca = path("ca.pem");
  const caKey = path("ca-key.pem");
  openssl("req", "-x509", ...newKey, "-keyout", caKey, "-out", ca, "-subj", "/CN=test authority");
  for (const [name, subject] of [
    ["server", "/CN=localhost"],
    ["client", "/CN=client"],
  ] as const) {
    const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    const files = ["-keyout", path(`${name}-key.pem`), "-out", path(`${name}.pem`)];
    openssl(
      "req",
      "-x509",
      "-CA",
      ca,
      "-CAkey",
      caKey,
      ...newKey,
      ...files,
      "-subj",
      subject,
      "-addext",
      names,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    );
  }
  return {
    ca,
    cert: path("server.pem"),
    key: path("server-key.pem"),
    clientCert: path("client.pem"),
    clientKey: path("client-key.pem"),
  };
}
