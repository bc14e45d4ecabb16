import { EvidentError, fromUtf8, parseEntry } from "@evident/core";
import type { ReceiptContent, VerifyOptions, VerifyProgress, VerifyReport } from "@evident/server";
import { clientFlags, openClient } from "../client/index.ts";
import { type Call, defineCommand, type Flags, type Io } from "../command/index.ts";
import { hitSentence, textAt } from "../render/index.ts";
import { formatCount, formatDuration, formatPlural, ProgressBar, plainText } from "../terminal/index.ts";
import {
  chooseRememberFile,
  findTarget,
  type GivenKeys,
  httpTransport,
  keysOfStore,
  printReport,
  readKeys,
  type Target,
} from "../verify/index.ts";

const CONNECTIONS = 24;
const exitCodes = { verified: 0, failed: 1, gaps: 3 } as const;

// The server is the operand.
const { url: _url, ...connectionFlags } = clientFlags;

const verifyFlags = {
  ...connectionFlags,
  keys: {
    kind: "texts",
    value: "KEYS",
    summary:
      "Genesis keys to trust: a keys directory, its trails.json, a file with one verifier key on each line, or a key; may be given more " +
      "than once. Default: those that the store states itself, or for a receipt the remembered ones.",
  },
  remember: {
    kind: "text",
    value: "FILE",
    summary:
      "Where the newest heads seen are kept. Default: evident/heads.json in XDG_STATE_HOME, else ~/.local/state.",
  },
  "no-remember": { kind: "switch", summary: "Neither read nor write remembered heads: a roll-back goes unnoticed." },
  trail: {
    kind: "texts",
    value: "TRAIL",
    summary: "Of a server only this trail; may be given more than once. Default: all.",
  },
} as const satisfies Flags;

type VerifyCall = Call<typeof verifyFlags>;

/** A bar over all trails: entries done, and how far the present trail is. */
function progressOf(io: Io): { readonly onProgress: (progress: VerifyProgress) => void; readonly bar: ProgressBar } {
  const bar = new ProgressBar(io.err, "verifying", "entries");
  const done = new Map<string, number>();
  let sum = 0;
  const onProgress = (progress: VerifyProgress): void => {
    sum += progress.done - (done.get(progress.trail) ?? 0);
    done.set(progress.trail, progress.done);
    bar.update(progress.total === 0 ? undefined : progress.done / progress.total, sum, plainText(progress.trail));
  };
  return { onProgress, bar };
}

function describeEntries({ entries, trails }: VerifyReport, tookMs: number): string {
  const of = `${formatPlural(entries, "entry", "entries")} of ${formatPlural(trails.length, "trail")}`;
  return `${of} hashed up to signed heads in ${formatDuration(tookMs)}`;
}

/** Verifies a server or a directory with a progress bar, and prints the report. */
async function verifyStore(
  { flags, operands, io }: VerifyCall,
  verify: (options: VerifyOptions) => Promise<VerifyReport>,
): Promise<VerifyReport> {
  const { onProgress, bar } = progressOf(io);
  const rememberFile = chooseRememberFile(flags, io);
  const startedMs = performance.now();
  let report: VerifyReport;
  try {
    report = await verify({ onProgress, signal: io.signal, ...(rememberFile === undefined ? {} : { rememberFile }) });
  } finally {
    bar.clear();
  }
  const about = describeEntries(report, performance.now() - startedMs);
  if (!flags.json) printReport(io, report, { target: operands[0] ?? "", about, trails: report.trails });
  return report;
}

async function verifyServer(call: VerifyCall, url: string, given: GivenKeys | undefined): Promise<VerifyReport> {
  const { verifyUrl } = await import("@evident/server");
  const { flags, io } = call;
  const client = openClient({ ...flags, url }, io, { connections: CONNECTIONS });
  try {
    return await verifyStore(call, (options) =>
      verifyUrl(httpTransport(client), {
        ...options,
        ...(given === undefined ? {} : { keys: given.keys, evidentKeys: given.evident }),
        ...(flags.trail.length === 0 ? {} : { trails: flags.trail }),
      }),
    );
  } finally {
    client.close();
  }
}

async function verifyData(call: VerifyCall, path: string, given: GivenKeys | undefined): Promise<VerifyReport> {
  const { verifyDirectory } = await import("@evident/server");
  const keys = given === undefined ? {} : { keys: keysOfStore(given, path) };
  return verifyStore(call, (options) => verifyDirectory(path, { ...options, ...keys }));
}

async function verifyProof(
  { flags, operands, io }: VerifyCall,
  proof: Uint8Array,
  given: GivenKeys | undefined,
): Promise<VerifyReport & { readonly receipt?: Omit<ReceiptContent, "entry"> }> {
  const { verifyReceiptFile } = await import("@evident/server");
  const rememberFile = chooseRememberFile(flags, io);
  const { receipt, ...report } = verifyReceiptFile(proof, {
    ...(given === undefined ? {} : { keys: given.keys }),
    ...(rememberFile === undefined ? {} : { rememberFile }),
  });
  const about = receipt === undefined ? "" : describeReceipt(receipt);
  if (!flags.json) printReport(io, report, { target: operands[0] ?? "", about, trails: [] });
  if (receipt === undefined) return report;
  const { origin, index, size, timestamps } = receipt;
  return { ...report, receipt: { origin, index, size, timestamps } };
}

function describeReceipt({ origin, index, size, entry, timestamps }: ReceiptContent): string {
  const [signed] = timestamps;
  const when = signed === undefined ? "" : `, signed ${new Date(signed * 1_000).toISOString().slice(0, 19)}Z`;
  const place = `entry ${formatCount(index)} of ${formatCount(size)} in ${plainText(origin)}${when}`;
  try {
    const parsed = entry === undefined ? undefined : parseEntry(fromUtf8(entry));
    if (parsed === undefined || textAt(parsed, "kind") !== "event") return place;
    return `${place}\n${hitSentence({ trail: origin, index, entry: parsed })}`;
  } catch (cause) {
    // Bytes that are no entry of ours can be in a log as well.
    if (cause instanceof SyntaxError || cause instanceof EvidentError) return place;
    throw cause;
  }
}

/** `evident verify`: everything recomputed, trusting nothing but keys. */
export const verify = defineCommand({
  name: "verify",
  summary: "Verify a data directory, a running server or a receipt.",
  about:
    "Recomputes everything from the stored bytes and trusts nothing but genesis keys. A directory (of a stopped server, or a copy) is verified " +
    "whole: every entry, hash tile, signature and file. A server is verified over its log endpoints while it goes on writing, as far as the key " +
    "may read: entries take an auditor's key. A receipt is verified offline.\n" +
    "The newest heads are remembered, and a later verification fails when one is taken back or was rewritten. The report names its anchor, " +
    "which is the outside evidence that it stands on, and what it could not check.",
  operands: { usage: "DIR|URL|PROOF", least: 1, most: 1 },
  examples: [
    {
      line: "evident verify ./data --keys data.keys/trails.json",
      does: "A stopped server's directory, with keys kept apart.",
    },
    { line: "evident verify http://127.0.0.1:7070", does: "A running server, with the key in EVIDENT_KEY." },
    { line: "evident verify main-0.tlog-proof --keys trails.json", does: "One receipt, without a server." },
  ],
  exits: {
    1: "verification failed: something was changed, or is not there",
    3: "verified, with gaps",
    14: "there is nothing to verify",
    19: "the directory changed while it was verified: its server is running",
    21: "the server cannot be reached",
  },
  flags: verifyFlags,
  async run(call) {
    const { flags, operands, io } = call;
    const [operand = ""] = operands;
    const target = findTarget(operand, io);
    if (flags["no-remember"] && flags.remember !== undefined) {
      throw new EvidentError("bad_request", "--remember and --no-remember exclude each other", { fix: "Give one." });
    }
    if (target.kind !== "url" && flags.trail.length > 0) {
      throw new EvidentError("bad_request", "--trail chooses among the trails of a server", {
        fix: "A directory is verified whole: leave --trail out.",
      });
    }
    const given = readKeys(flags.keys, io.workingDirectory);
    const report = await verifyTarget(call, target, given);
    if (flags.json) void io.out.json(report);
    return exitCodes[report.verdict];
  },
});

async function verifyTarget(call: VerifyCall, target: Target, given: GivenKeys | undefined): Promise<VerifyReport> {
  switch (target.kind) {
    case "url":
      return verifyServer(call, target.url, given);
    case "directory":
      return verifyData(call, target.path, given);
    case "proof":
      return verifyProof(call, await target.read(), given);
  }
}
