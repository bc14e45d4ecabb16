import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { EvidentError } from "@evident/core";
import { clientFlags, openClient } from "../client/index.ts";
import { defineCommand, type Io } from "../command/index.ts";
import { absolutePattern, Follower, FollowReport, FollowState, type Wrapping } from "../follow/index.ts";
import { formatFlags, openFormat, Tally } from "../ingest/index.ts";

const STATE_FILE = "evident-follow.sqlite";
const wrappings: readonly string[] = ["none", "docker", "cri", "auto"] satisfies Wrapping[];

function isWrapping(text: string): text is Wrapping {
  return wrappings.includes(text);
}

function parseWrapping(text: string | undefined): Wrapping {
  if (text === undefined) return "none";
  if (isWrapping(text)) return text;
  throw new EvidentError("bad_request", `--unwrap cannot be ${JSON.stringify(text.slice(0, 40))}`, {
    fix: `Give one of ${wrappings.join(", ")}.`,
  });
}

function parseStream(text: string | undefined, wrapping: Wrapping): string | undefined {
  if (text === undefined) return undefined;
  if ((text === "stdout" || text === "stderr") && wrapping !== "none") return text;
  throw new EvidentError("bad_request", `--stream cannot be ${JSON.stringify(text.slice(0, 40))}`, {
    fix: "Give stdout or stderr, beside --unwrap: only the logs of containers tell their streams apart.",
  });
}

/** Where positions are kept: named, in systemd's directory for the service, or here. */
function statePath(named: string | undefined, { env, workingDirectory }: Io): string {
  if (named !== undefined) return resolve(workingDirectory, named);
  const directory = env["STATE_DIRECTORY"]?.split(":")[0] ?? "";
  return join(directory === "" ? workingDirectory : directory, STATE_FILE);
}

/** `evident follow`: log files to the server as they grow. */
export const follow = defineCommand({
  name: "follow",
  summary: "Send log files as they grow and are rotated.",
  about:
    "Every line is stored once: after a stop, a crash or hours without the server, reading goes on where the server's last verdict was. " +
    "Rotation by renaming, by copying and truncating, and packing of old files (gzip, zstd) are recognised by content. Beside a named " +
    "file, what rotation makes of it is found by itself. Globs also find files that appear later. See docs/follow.md.",
  operands: { usage: "PATH…", least: 1, most: 1_000 },
  examples: [
    {
      line: "evident follow /var/log/nginx/access.log --format nginx --source shop",
      does: "One log, whatever rotation does.",
    },
    {
      line: "evident follow '/var/log/nginx/*access.log*' --format nginx",
      does: "Several logs, and first what rotation has left of each, the oldest first.",
    },
    {
      line: "evident follow '/var/log/containers/web-*.log' --unwrap cri --stream stdout --format nginx",
      does: "What containers of Kubernetes write.",
    },
    { line: "evident follow audit.log --format kubernetes --once --json", does: "What is there now; for a timer." },
  ],
  exits: { 0: "stopped by a signal, or with --once at the end", 19: "another follower has the state file" },
  flags: {
    ...clientFlags,
    ...formatFlags,
    trail: { kind: "text", value: "TRAIL", summary: "Trail to store in. Default: the key's, else main." },
    state: {
      kind: "text",
      value: "FILE",
      summary: `Where positions are kept, for this follower alone. Default: ${STATE_FILE} in $STATE_DIRECTORY, else here.`,
    },
    "from-end": {
      kind: "switch",
      summary: "Pass over what the files hold when they are followed for the first time. Default: read it.",
    },
    once: { kind: "switch", summary: "End when everything that is there has been stored." },
    "line-after": {
      kind: "whole",
      value: "SECONDS",
      least: 1,
      most: 86_400,
      summary:
        "Take an unfinished last line after so long without growth; what is written to it later becomes a record of its own. " +
        "Default: never, until the file is rotated away.",
    },
    unwrap: {
      kind: "text",
      value: "HOW",
      summary: "The lines are wrapped by a container's log: docker, cri or auto. Default: none.",
    },
    stream: { kind: "text", value: "STREAM", summary: "Only stdout or stderr of containers. Default: both." },
    host: {
      kind: "text",
      value: "NAME",
      summary:
        "Name of this machine in the ids of records; kept in the state. Empty: ids as `evident ingest` makes them, so that files sent with it before are recognised; see docs/follow.md. Default: the host name.",
    },
    quiet: { kind: "switch", short: "q", summary: "Say only what somebody should look at." },
  },
  async run({ flags, operands, io }) {
    const wrapping = parseWrapping(flags.unwrap);
    const reading = {
      format: openFormat({ ...flags, format: flags.format ?? "auto" }, io.workingDirectory),
      wrapping,
      stream: parseStream(flags.stream, wrapping),
    };
    const state = new FollowState(statePath(flags.state, io), flags.host ?? hostname());
    const client = openClient(flags, io);
    const tally = new Tally((refusal) => report.refuse(refusal, follower.originOf(refusal.line)));
    const report: FollowReport = new FollowReport(
      io,
      { isQuiet: flags.quiet, isJson: flags.json },
      () => tally,
      () => follower.files(),
    );
    const follower: Follower = new Follower({
      patterns: [...new Set(operands.map((pattern) => absolutePattern(pattern, io.workingDirectory)))],
      state,
      reading,
      isFromEnd: flags["from-end"],
      isOnce: flags.once,
      lineAfterMs: flags["line-after"] === undefined ? undefined : flags["line-after"] * 1_000,
      client,
      trail: flags.trail,
      tally,
      signal: io.signal,
      onNews: (kind, text) => report.news(kind, text),
      onWait: (why, waitMs) => report.wait(why, waitMs),
      onProgress: () => report.progress(),
    });
    try {
      await follower.run();
    } finally {
      report.finish();
      client.close();
      state.close();
    }
    return 0;
  },
});
