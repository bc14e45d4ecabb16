import { isIP } from "node:net";
import { EvidentError } from "@evident/core";
import type { FastifyRequest } from "fastify";
import type { Ledger, TrailInfo } from "../../ledger/index.ts";
import { type Grant, seesTrail } from "../auth/index.ts";
import type { Caller } from "../reads/index.ts";

const MAX_SHOWN = 80;

/** The grant of an authenticated request. */
export function grantOf({ authentication }: FastifyRequest): Grant {
  if (authentication.kind === "granted") return authentication.grant;
  throw new EvidentError("unauthenticated", "this needs an API key");
}

/** Who asks, as the read log states it. */
export function callerOf(request: FastifyRequest): Caller {
  const peer = (request.socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");
  const stated = request.ip.replace(/^::ffff:(?=\d+\.)/i, "");
  const forwarded = stated !== peer && isIP(stated) !== 0;
  return {
    grant: grantOf(request),
    ip: forwarded ? stated : peer,
    ipTrust: forwarded ? "forwarded" : "peer",
    userAgent: request.headers["user-agent"],
    requestId: request.id,
  };
}

/** One trail by name. A trail that the key may not see answers like one that is not there. */
export function visibleTrail(ledger: Ledger, grant: Grant, name: string): TrailInfo {
  const trail = ledger.trail(name);
  if (trail !== undefined && seesTrail(grant, trail)) return trail;
  throw new EvidentError(
    "not_found",
    `there is no trail ${JSON.stringify(name.slice(0, MAX_SHOWN))} that this key may see`,
  );
}

/** The trails to search: those asked for, or all that the key sees but the system's own. */
export function chosenTrails(ledger: Ledger, grant: Grant, asked: readonly string[] | undefined): readonly string[] {
  if (asked !== undefined && asked.length > 0) {
    return [...new Set(asked)].map((name) => visibleTrail(ledger, grant, name).name);
  }
  return ledger
    .trails()
    .filter((trail) => !trail.system && seesTrail(grant, trail))
    .map(({ name }) => name);
}

/** Every trail that the key sees, the system's own among them. */
export function allVisibleTrails(ledger: Ledger, grant: Grant): readonly string[] {
  return ledger
    .trails()
    .filter((trail) => seesTrail(grant, trail))
    .map(({ name }) => name);
}
