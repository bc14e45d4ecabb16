import type { EntryLike } from "@evident/core";
import { type Output, plainText } from "../terminal/index.ts";
import { type Hit, resourceTexts, textAt } from "./hit.ts";

const statusStyles = { success: "green", denied: "red", failure: "yellow", pending: "cyan", unknown: "dim" } as const;
type StatusStyle = (typeof statusStyles)[keyof typeof statusStyles];

function styleOf(status: string): StatusStyle {
  return Object.hasOwn(statusStyles, status) ? statusStyles[status as keyof typeof statusStyles] : "dim";
}

/** `2026-01-05 08:03:12.123Z`: to the millisecond; the entry itself has more. */
export function shortTime(time: string | undefined): string {
  return time === undefined ? "no time" : `${time.slice(0, 10)} ${time.slice(11, 23)}Z`;
}

/** What one entry says in a few words, for a table: who, what, on which resource, how it ended, from where. */
export interface HitColumns {
  readonly time: string;
  readonly who: string;
  readonly what: string;
  readonly resource: string;
  readonly outcome: string;
  readonly from: string;
}

function otherColumns({ entry }: Hit): HitColumns {
  const kind = textAt(entry, "kind") ?? "entry";
  const what = textAt(entry, "statement", "type") ?? textAt(entry, "quarantine", "why") ?? "";
  return {
    time: shortTime(textAt(entry, "received")),
    who: textAt(entry, "statement", "by") ?? textAt(entry, "quarantine", "key") ?? "evident",
    what: `${kind} ${what}`.trim(),
    resource: textAt(entry, "statement", "trail") ?? textAt(entry, "quarantine", "id") ?? "",
    outcome: kind === "quarantine" ? "quarantined" : "",
    from: textAt(entry, "quarantine", "source") ?? "",
  };
}

export function hitColumns(hit: Hit): HitColumns {
  const { entry } = hit;
  if (textAt(entry, "kind") !== "event") return otherColumns(hit);
  const [resource = "", ...others] = resourceTexts(entry);
  return {
    time: shortTime(textAt(entry, "event", "time", "occurred")),
    who: textAt(entry, "event", "actor", "id") ?? "",
    what: `${textAt(entry, "event", "action", "op") ?? ""} ${textAt(entry, "event", "action", "name") ?? ""}`.trim(),
    resource: others.length === 0 ? resource : `${resource} +${others.length}`,
    outcome: textAt(entry, "event", "outcome", "status") ?? "",
    from: textAt(entry, "event", "source", "ip") ?? textAt(entry, "event", "source", "service") ?? "",
  };
}

/** One line for following a trail. */
export function hitLine(hit: Hit, out: Output): string {
  const { time, who, what, resource, outcome, from } = hitColumns(hit);
  const place = out.style("dim", plainText(`${hit.trail}:${hit.index}`));
  const parts = [
    out.style("dim", plainText(time)),
    out.style("bold", plainText(who)),
    plainText(what),
    plainText(resource),
  ];
  if (outcome !== "") parts.push(out.style(styleOf(outcome), plainText(outcome)));
  if (from !== "") parts.push(out.style("dim", `from ${plainText(from)}`));
  return [...parts.filter((part) => part !== ""), place].join("  ");
}

function actorText(entry: EntryLike): string {
  const at = (...path: readonly string[]): string | undefined => textAt(entry, "event", "actor", ...path);
  const name = at("name");
  const who = `${at("type") ?? "someone"} ${at("id") ?? ""}${name === undefined ? "" : ` (${name})`} of ${at("ns") ?? "?"}`;
  const acting = at("actingAs", "id");
  return acting === undefined ? who : `${who}, acting as ${acting},`;
}

/** An event as a sentence: who did what to which resource, when, from where, with what scope and outcome. */
export function hitSentence({ entry }: Hit): string {
  const at = (...path: readonly string[]): string | undefined => textAt(entry, "event", ...path);
  const parts = [`${actorText(entry)} did ${at("action", "op") ?? ""} ${at("action", "name") ?? ""}`];
  const resources = resourceTexts(entry);
  if (resources.length > 0) parts.push(`on ${resources.slice(0, 5).join(", ")}`);
  if (resources.length > 5) parts.push(`and ${resources.length - 5} more`);
  const rows = at("impact", "rows") ?? at("impact", "objects");
  if (rows !== undefined) parts.push(`(${rows} ${at("impact", "rows") === undefined ? "objects" : "rows"})`);
  const ip = at("source", "ip");
  if (ip !== undefined) parts.push(`from ${ip}`);
  parts.push(`at ${at("time", "occurred") ?? "an unknown time"}: ${at("outcome", "status") ?? "unknown"}`);
  const reason = at("outcome", "reason") ?? at("outcome", "code");
  if (reason !== undefined) parts.push(`(${reason})`);
  return `${plainText(parts.join(" "))}.`;
}
