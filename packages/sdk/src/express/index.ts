export type { AccessContext, AccessOptions, ProxyTrust, RouteOptions } from "../http/index.ts";
export { type ExpressMiddleware, type ExpressRequest, expressEvident } from "./express-middleware.ts";
