import { excerpt, type Problem } from "@evident/core";
import type { Producer } from "./checked-line.ts";

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only what is absent: a null is the sender's mistake and stays for the check to name. */
function fill(object: Members, key: string, value: unknown): void {
  if (object[key] === undefined) object[key] = value;
}

/**
 * Fills what the API key says into an event's `origin`, in place: tenant, the key's only source, and `http` as adapter where they are
 * missing. What contradicts the key is a problem: nobody can speak for another tenant or source.
 */
export function fillOrigin(value: unknown, producer: Producer): Problem[] {
  if (!isObject(value)) return [];
  fill(value, "origin", {});
  const { origin } = value;
  if (!isObject(origin)) return [];
  fill(origin, "tenant", producer.tenant);
  if (producer.sources.length === 1) fill(origin, "source", producer.sources[0]);
  fill(origin, "adapter", "http");
  const problems: Problem[] = [];
  if (typeof origin.tenant === "string" && origin.tenant !== producer.tenant) {
    const fix = `Leave it out, or send ${JSON.stringify(producer.tenant)}: the key decides.`;
    problems.push({ field: "origin.tenant", problem: `${excerpt(origin.tenant)} is not the tenant of this key`, fix });
  }
  if (producer.sources.length > 0 && typeof origin.source === "string" && !producer.sources.includes(origin.source)) {
    const fix = `Send one of ${producer.sources.slice(0, 10).join(", ")}, or use that source's key.`;
    problems.push({ field: "origin.source", problem: `${excerpt(origin.source)} is not a source of this key`, fix });
  }
  return problems;
}
