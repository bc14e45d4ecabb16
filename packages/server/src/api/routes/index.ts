import type { ApiContext, App } from "../app/index.ts";
import { IngestGate } from "../ingest/index.ts";
import { type IngestTimes, ingestTimes, registerIngest } from "./events-post.ts";
import { registerEventReads } from "./events-read.ts";
import { type ExportTimes, exportTimes, registerExport } from "./export.ts";
import { registerKeys } from "./keys.ts";
import { registerLogTiles } from "./log-tiles.ts";
import { registerOtlpLogs } from "./otlp-logs.ts";
import { registerKubernetesWebhook } from "./receive-kubernetes.ts";
import { registerSchemas } from "./schema.ts";
import { registerSdkTarball } from "./sdk-tarball.ts";
import { registerServerState } from "./server-state.ts";
import { registerSources } from "./sources.ts";
import { registerStats } from "./stats.ts";
import { registerTail, type TailTimes, tailTimes } from "./tail.ts";
import { registerTrails } from "./trails.ts";

/** Times and paces of the streaming routes. */
export interface RouteTimes {
  readonly ingest: IngestTimes;
  readonly tail: TailTimes;
  readonly export: ExportTimes;
}

/** Registers every resource. `idle` resolves when no body is being read and no tail or export is open. */
export function registerRoutes(
  app: App,
  context: ApiContext,
  times: Partial<RouteTimes>,
): { readonly idle: () => Promise<void> } {
  const gate = new IngestGate(context.ledger, context.metrics, context.config.limits.concurrentIngests);
  registerIngest(app, context, gate, times.ingest ?? ingestTimes);
  registerKubernetesWebhook(app, context, gate, times.ingest ?? ingestTimes);
  registerOtlpLogs(app, context, gate, times.ingest ?? ingestTimes);
  registerEventReads(app, context);
  const tails = registerTail(app, context, times.tail ?? tailTimes);
  const exports = registerExport(app, context, times.export ?? exportTimes);
  registerStats(app, context);
  registerSources(app, context);
  registerTrails(app, context);
  registerLogTiles(app, context);
  registerKeys(app, context);
  registerServerState(app, context);
  registerSchemas(app, context);
  registerSdkTarball(app);
  return { idle: async () => void (await Promise.all([gate.idle, tails.idle(), exports.idle()])) };
}
