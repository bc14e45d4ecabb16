import { EvidentError, excerpt, nearestName } from "@evident/core";
import type { Adapter } from "../adapt/index.ts";
import { authLog } from "./auth/index.ts";
import { azureActivity } from "./azure-activity.ts";
import { cloudtrail } from "./cloudtrail.ts";
import { entra } from "./entra.ts";
import { gcp } from "./gcp.ts";
import { github } from "./github.ts";
import { googleWorkspace } from "./google-workspace.ts";
import { json } from "./json/index.ts";
import { kubernetes } from "./kubernetes.ts";
import { okta } from "./okta.ts";
import { otel } from "./otel.ts";
import { postgresql } from "./postgresql/index.ts";
import { syslog } from "./syslog/index.ts";
import { teleport } from "./teleport.ts";
import { apache, combined, nginx, traefik } from "./web/index.ts";

export { flattenOtlp, flattenResourceLogs, type OtlpRecord } from "./flatten-otlp.ts";

export { mappingJsonSchema } from "./json/index.ts";

/** Every adapter, by name. */
export const adapters: readonly Adapter[] = [
  json,
  postgresql,
  teleport,
  entra,
  apache,
  combined,
  nginx,
  traefik,
  authLog,
  syslog,
  azureActivity,
  github,
  cloudtrail,
  gcp,
  googleWorkspace,
  otel,
  okta,
  kubernetes,
].sort((left, right) => (left.name < right.name ? -1 : 1));

/** Stands for all adapters: each record is read by the one that recognises it. */
export const AUTO = "auto";

/** The adapters behind a name, `auto` for all. @throws EvidentError `bad_request` for an unknown name */
export function findAdapters(name: string): readonly Adapter[] {
  if (name === AUTO) return adapters;
  const found = adapters.find((adapter) => adapter.name === name);
  if (found !== undefined) return [found];
  const names = [AUTO, ...adapters.map((adapter) => adapter.name)];
  const nearest = nearestName(name, names);
  const fix = nearest === undefined ? `Formats: ${names.join(", ")}.` : `Did you mean ${nearest}?`;
  throw new EvidentError("bad_request", `no format ${excerpt(name)}`, { fix });
}
