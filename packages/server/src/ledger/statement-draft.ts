import { EvidentError, hmacSha256, toBase64Url, utf8 } from "@evident/core";
import type { Committer } from "./commit/index.ts";
import type { Trail } from "./trail/index.ts";
import type { AppendStatement, Draft, Statement } from "./types.ts";

/** A statement as a draft: its `sent` is keyed like any submission's. */
function makeStatementDraft(macKey: Uint8Array, statement: Statement): Draft {
  const text = JSON.stringify(statement);
  const sent = toBase64Url(hmacSha256(macKey, utf8(text)).subarray(0, 16));
  return { kind: "statement", rest: `"sent":"${sent}","statement":${text}` };
}

/** Statements go into `evident`, in the order of the calls. */
export function statementAppender(
  committer: Committer,
  trails: ReadonlyMap<string, Trail>,
  macKey: Uint8Array,
): AppendStatement {
  return async (statement) => {
    const evident = trails.get("evident");
    if (evident === undefined) throw new EvidentError("internal", "the trail evident is not open");
    const [result] = await committer.append(evident, [makeStatementDraft(macKey, statement)]);
    if (result === undefined) throw new EvidentError("internal", "a statement was not stored");
    return result.index;
  };
}
