export type { AccessContext } from "./access-context.ts";
export type { AccessOptions, RouteOptions } from "./access-options.ts";
export type { Peer, ProxyTrust } from "./client-address.ts";
export { type HttpAccess, type HttpRecorder, httpRecorder, type RequestEnd, type RequestFacts } from "./http-access.ts";
export { plainIp } from "./ip-address.ts";
