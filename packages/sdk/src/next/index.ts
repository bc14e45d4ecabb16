export type { AccessContext, AccessOptions, Peer, ProxyTrust, RouteOptions } from "../http/index.ts";
export { type AuditedHandler, type NextEvident, type NextEvidentOptions, nextEvident } from "./next-handler.ts";
