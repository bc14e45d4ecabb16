import { isIP } from "node:net";
import { EvidentError } from "@evident/core";
import type { FastifyRequest } from "fastify";
import type { Producer } from "../../check/index.ts";
import type { Ledger, TrailInfo } from "../../ledger/index.ts";
import { EVERY, type Grant, seesTrail } from "../auth/index.ts";
import type { Caller } from "../reads/index.ts";

const MAX_SHOWN = 80;
const MAIN_TRAIL = "main";

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

/** The trail to store in: asked for, the key's default, its only one, or `main`. @throws EvidentError `not_found`, `forbidden` */
export function trailToWrite(ledger: Ledger, grant: Grant, asked: string | undefined): TrailInfo {
  const [only, ...others] = grant.trails;
  const own = others.length === 0 && only !== EVERY ? only : undefined;
  const trail = visibleTrail(ledger, grant, asked ?? grant.defaultTrail ?? own ?? MAIN_TRAIL);
  if (trail.system) throw new EvidentError("forbidden", `only the server writes the trail ${trail.name}`);
  return trail;
}

/** What a key says about the events it sends to a trail. */
export function producerOf(grant: Grant, trail: TrailInfo): Producer {
  const sources = grant.sources.includes(EVERY) ? [] : grant.sources;
  return { key: grant.keyId, tenant: trail.tenant, sources };
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
