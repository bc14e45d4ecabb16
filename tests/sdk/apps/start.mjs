import { writeSync } from "node:fs";
import { createEvident } from "@evident/sdk";

/** Says what is recorded to whoever started this, before anything else happens: a kill takes nothing back that was said. */
function say(...words) {
  writeSync(1, `${words.join(" ")}\n`);
}

const evident = createEvident({
  url: process.env.APP_EVIDENT_URL,
  key: process.env.APP_EVIDENT_KEY,
  system: "shop",
  spool: { dir: process.env.APP_SPOOL, segmentBytes: 16_384, maxBytes: 1 << 24 },
  maxBackoffMs: 500,
  heartbeatIntervalMs: 500,
  onProblem: () => undefined,
});

/** The client, telling what becomes of each access. */
export const watched = {
  digest: (value) => evident.digest(value),
  begin(what) {
    const open = evident.begin(what);
    say("begun", open.id);
    return {
      ...open,
      record(draft) {
        const recorded = open.record(draft);
        say(recorded.kind, recorded.kind === "accepted" ? recorded.id : open.id);
        return recorded;
      },
    };
  },
};

export const port = Number(process.env.APP_PORT);

/** Says that the application listens; closes everything on SIGTERM. */
export function started(stop) {
  process.once("SIGTERM", () => {
    stop(async () => {
      const closed = await evident.close({ timeoutMs: 10_000 });
      say("closed", closed.kind);
      process.exit(0);
    });
  });
  say("ready");
}

export const pause = (waitMs) => new Promise((resolve) => setTimeout(resolve, waitMs));
