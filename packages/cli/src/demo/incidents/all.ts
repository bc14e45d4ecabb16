import { agentSecrets } from "./agent-secrets.ts";
import { bruteForce } from "./brute-force.ts";
import type { Incident } from "./incident.ts";
import { leaverAccess } from "./leaver-access.ts";
import { nightExport } from "./night-export.ts";
import { ownGrant } from "./own-grant.ts";
import { podExec } from "./pod-exec.ts";

/** Every story that the demo can tell. */
export const incidents: readonly [Incident, ...Incident[]] = [
  bruteForce,
  nightExport,
  ownGrant,
  podExec,
  leaverAccess,
  agentSecrets,
];
