export type { AccessContext, AccessOptions, ProxyTrust, RouteOptions } from "../http/index.ts";
export { type FastifyEvidentOptions, fastifyEvident } from "./fastify-plugin.ts";
