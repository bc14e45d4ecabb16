import { describe, expect, it } from "vitest";
import { parseLogName } from "./log-name.ts";

describe("parseLogName", () => {
  it.each([
    ["/l/access.log", "/l/access.log", "none"],
    ["/l/access.log.1", "/l/access.log", "none"],
    ["/l/access.log.12.gz", "/l/access.log", "gzip"],
    ["/l/access.log-20261125", "/l/access.log", "none"],
    ["/l/access.log-20261125.zst", "/l/access.log", "zstd"],
    ["/l/access.log-2026112510.gz", "/l/access.log", "gzip"],
    ["/l/access.log-1795600000", "/l/access.log", "none"],
    ["/l/app.2026-11-25", "/l/app", "none"],
    ["/l/0.log.20261125-101500", "/l/0.log", "none"],
    ["/l/0.log.20261125-101500.gz", "/l/0.log", "gzip"],
    ["/l/messages.old", "/l/messages", "none"],
    ["/l/messages.xz", "/l/messages", "other"],
    // A date inside the name is a log of its own.
    ["/l/app-2026-11-25.log", "/l/app-2026-11-25.log", "none"],
    ["/l/.1", "/l/.1", "none"],
  ])("reads %s", (path, log, packing) => {
    expect(parseLogName(path)).toEqual({ log, isLive: path === log, packing });
  });
});
