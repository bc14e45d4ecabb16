import { EvidentError } from "@evident/core";
import type { FastifyRequest, RouteOptions } from "fastify";
import { isLoopback, makeRangeTest } from "../../config/index.ts";
import { type Access, EVERY, type Grant } from "../auth/index.ts";
import type { ApiContext, App } from "./api-context.ts";

/** A route as the test of default deny sees it. */
export interface RouteAccess {
  readonly method: string;
  readonly url: string;
  readonly access: Access | undefined;
}

function isDirectLoopback(request: FastifyRequest, context: ApiContext): boolean {
  const { headers, socket } = request;
  if (context.config.behindProxy.length > 0) return false;
  if (headers["x-forwarded-for"] !== undefined || headers["forwarded"] !== undefined) return false;
  return isLoopback(socket.remoteAddress ?? "");
}

function whyRefused(grant: Grant, access: Exclude<Access, { kind: "public" }>): string | undefined {
  if (!access.roles.includes(grant.role))
    return `a key with the role ${grant.role} may not do this: it takes ${access.roles.join(" or ")}`;
  if (access.everyTenant === true && grant.tenant !== EVERY)
    return "this concerns every tenant: it takes a key of the tenant *";
  return undefined;
}

/** Refuses what the route is not open to. A route that does not say whom it is open to is open to nobody. */
function authorise(request: FastifyRequest, context: ApiContext): void {
  const { access } = request.routeOptions.config;
  if (request.is404 || access?.kind === "public") return;
  if (access === undefined) throw new EvidentError("forbidden", "this route does not say whom it is open to");
  const { authentication } = request;
  if (authentication.kind === "granted") {
    const why = whyRefused(authentication.grant, access);
    if (why !== undefined) throw new EvidentError("forbidden", why);
    return;
  }
  if (access.kind === "roles_or_loopback" && authentication.kind === "none" && isDirectLoopback(request, context))
    return;
  const why = authentication.kind === "refused" ? authentication.why : "there is no Authorization header";
  throw new EvidentError("unauthenticated", why);
}

/** Without TLS of our own, only the named proxies and this machine may speak to us: a key sent past them has already leaked. */
function makePeerCheck({ config }: ApiContext): (request: FastifyRequest) => void {
  if (config.tls !== undefined || config.behindProxy.length === 0) return () => undefined;
  const isProxy = makeRangeTest(config.behindProxy);
  return (request) => {
    const peer = request.socket.remoteAddress ?? "";
    if (isLoopback(peer) || isProxy(peer) || request.routeOptions.config.access?.kind === "public") return;
    throw new EvidentError("forbidden", "this server is reached through its proxy", {
      fix: "Use the proxy's HTTPS address.",
    });
  };
}

/**
 * Puts authentication and authorisation in front of every route. The rate limit runs between the two, so that it counts per key and
 * refused requests count as well.
 *
 * @returns the routes as they are registered, for start-up and tests to check that none lacks its access
 */
export function protect(app: App, context: ApiContext): () => readonly RouteAccess[] {
  const routes: RouteOptions[] = [];
  // Read late: hooks of inner plugins may still add to a route's configuration.
  const found = (): readonly RouteAccess[] =>
    routes.flatMap(({ method, url, config }) =>
      (typeof method === "string" ? [method] : method).map((each) => ({ method: each, url, access: config?.access })),
    );
  const checkPeer = makePeerCheck(context);
  app.decorateRequest("authentication");
  app.addHook("onRoute", (route: RouteOptions) => void routes.push(route));
  app.addHook("onRequest", async (request) => {
    request.authentication = context.authenticator.authenticate(request.headers.authorization);
    checkPeer(request);
  });
  // After onRequest, where the rate limit counts, and before a byte of the body is read.
  app.addHook("preParsing", async (request, reply) => {
    authorise(request, context);
    if (request.headers.expect === "100-continue") reply.raw.writeContinue();
  });
  app.addHook("onReady", async () => {
    const open = found().filter(({ access }) => access === undefined);
    if (open.length > 0) {
      const names = open.map(({ method, url }) => `${method} ${url}`).join(", ");
      throw new EvidentError("internal", `routes without access: ${names}`);
    }
  });
  return found;
}
