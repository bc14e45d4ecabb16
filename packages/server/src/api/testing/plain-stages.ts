import { createHash } from "node:crypto";
import { EvidentError, hmacSha256, toBase64Url, utf8 } from "@evident/core";
import type { Ledger } from "../../ledger/index.ts";
import type { ApiStages, CheckedChunk, CheckedLine } from "../index.ts";

const CHUNK_LINES = 100;

/** Reads plain JSON and NDJSON and stores what parses, unchecked: for tests of the API without the stages before it. */
export function makePlainStages(ledger: Ledger): ApiStages {
  const check = (line: number, text: string): CheckedLine => {
    const sent = toBase64Url(hmacSha256(ledger.macKey, utf8(text)).subarray(0, 16));
    try {
      const event = JSON.parse(text) as { id?: string };
      const key = createHash("sha256")
        .update(event.id ?? text)
        .digest()
        .subarray(0, 16);
      const same = createHash("sha256").update(text).digest().subarray(0, 8);
      return {
        line,
        ...(event.id === undefined ? {} : { id: event.id }),
        kind: "store",
        draft: {
          kind: "event",
          rest: `"sent":"${sent}","event":${JSON.stringify(event)}`,
          identity: Buffer.concat([key, same]),
        },
      };
    } catch {
      const reasons = [{ field: "", problem: "is not JSON", fix: "Send JSON." }];
      const body = JSON.stringify({ why: "malformed_json", reasons, line });
      return {
        line,
        kind: "quarantine",
        reasons,
        draft: { kind: "quarantine", rest: `"sent":"${sent}","quarantine":${body}` },
      };
    }
  };
  return {
    async *readBody(bytes, { contentType }): AsyncGenerator<CheckedChunk> {
      if (contentType?.startsWith("application/") !== true)
        throw new EvidentError("unsupported_media", `${contentType ?? "no content-type"}`);
      const shape = contentType.includes("ndjson") ? "lines" : "object";
      let rest = "";
      let line = 0;
      let lines: CheckedLine[] = [];
      try {
        for await (const part of bytes) {
          rest += Buffer.from(part).toString();
          if (shape === "object") continue;
          const found = rest.split("\n");
          rest = found.pop() ?? "";
          for (const text of found) {
            lines.push(check(++line, text));
            if (lines.length === CHUNK_LINES) {
              yield { kind: "lines", shape, lines };
              lines = [];
            }
          }
        }
      } catch (cause) {
        if (lines.length > 0) yield { kind: "lines", shape, lines };
        yield { kind: "broken", shape, cause };
        return;
      }
      if (shape === "object") {
        const value = JSON.parse(rest) as unknown;
        const items = Array.isArray(value)
          ? value.map((each) => check(++line, JSON.stringify(each)))
          : [check(1, rest)];
        yield { kind: "lines", shape: Array.isArray(value) ? "array" : "object", lines: items };
        return;
      }
      if (rest !== "") lines.push(check(++line, rest));
      if (lines.length > 0) yield { kind: "lines", shape, lines };
    },
    makeConflict(line, first) {
      const reasons = [{ field: "id", problem: `stands at ${first.trail}:${first.index}`, fix: "Use another id." }];
      const body = JSON.stringify({ why: "conflict", reasons });
      return Promise.resolve({
        ...line,
        kind: "quarantine",
        reasons,
        draft: { kind: "quarantine", rest: `"sent":"c","quarantine":${body}` },
      });
    },
  };
}
