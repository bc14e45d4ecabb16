export type { ApiContext, App, Reply, Request } from "./api-context.ts";
export { beginStream } from "./begin-stream.ts";
export { allVisibleTrails, callerOf, chosenTrails, grantOf, producerOf, trailToWrite, visibleTrail } from "./caller.ts";
export { lingerOverBody } from "./linger.ts";
export { makeApp } from "./make-app.ts";
export { type MadeServer, makeServer } from "./make-server.ts";
export { OpenCount } from "./open-count.ts";
export { type Pace, PacedWriter, type WriterEnd } from "./paced-writer.ts";
export type { RouteAccess } from "./protect.ts";
