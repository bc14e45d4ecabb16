export type { AccessContext, AccessOptions, Peer, ProxyTrust, RouteOptions } from "../http/index.ts";
export { type HonoEvidentOptions, honoEvident } from "./hono-middleware.ts";
