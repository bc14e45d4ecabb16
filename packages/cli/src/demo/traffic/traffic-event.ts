import type { DemoEvent } from "../demo-event.ts";
import type { Random } from "../random.ts";
import { assistantEvent } from "./assistant.ts";
import { identityProviderEvent } from "./identity-provider.ts";
import { kubernetesEvent } from "./kubernetes.ts";
import { objectStoreEvent } from "./object-store.ts";
import { patientApiEvent } from "./patient-api.ts";
import { postgresEvent } from "./postgres.ts";

/** One event of ordinary work. At night programs do most of it. */
export function trafficEvent(random: Random, atMs: number, isNight: boolean): DemoEvent {
  const at = random.unit();
  const shares = isNight ? ([0.08, 0.48, 0.74, 0.93, 0.97] as const) : ([0.46, 0.7, 0.82, 0.9, 0.96] as const);
  if (at < shares[0]) return patientApiEvent(random, atMs);
  if (at < shares[1]) return postgresEvent(random, atMs, isNight);
  if (at < shares[2]) return kubernetesEvent(random, atMs, isNight);
  if (at < shares[3]) return objectStoreEvent(random, atMs, isNight);
  if (at < shares[4]) return identityProviderEvent(random, atMs);
  return assistantEvent(random, atMs);
}
