import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from "fastify";
import type { Recorder } from "../event/index.ts";
import { type AccessContext, type AccessOptions, type HttpAccess, httpRecorder } from "../http/index.ts";
import { headerOf, peerOf, watchResponse } from "../node-http/index.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The access that this request is; set by the plugin of `@evident/sdk/fastify`. */
    evident: AccessContext;
  }
}

/** Settings of the plugin: the client, and what every middleware has. */
export interface FastifyEvidentOptions extends AccessOptions<FastifyRequest> {
  readonly evident: Recorder;
}

function register(
  app: FastifyInstance,
  { evident, ...options }: FastifyEvidentOptions,
  done: (error?: Error) => void,
): void {
  const begin = httpRecorder<FastifyRequest>(evident, options);
  const errors = new WeakMap<FastifyRequest, unknown>();
  app.decorateRequest("evident");
  app.addHook("onRequest", (request, reply, next) => {
    const access: HttpAccess = begin({
      request,
      method: request.method,
      peer: peerOf(request.raw),
      header: (name) => headerOf(request.raw, name),
    });
    request.evident = access.context;
    watchResponse(reply.raw, (isAborted) => {
      void access.finish({
        template: request.is404 ? undefined : request.routeOptions.url,
        params: { ...(request.params as Record<string, unknown>) },
        status: reply.raw.statusCode,
        isAborted,
        // A handler may throw to say 404: only what became a failure of ours is one.
        error: reply.raw.statusCode >= 500 ? errors.get(request) : undefined,
        body: request.body,
        requestId: request.id,
      });
    });
    next();
  });
  app.addHook("onError", (request, _reply, error, next) => {
    errors.set(request, error);
    next();
  });
  done();
}

/**
 * Records every request of a Fastify 5 application, when its answer is complete. Register it before the routes.
 *
 * @example await app.register(fastifyEvident, { evident, actor: (request) => request.user && { type: "user", id: request.user.id, ns: "shop" } });
 *
 * @throws SdkError `config_invalid` for settings that cannot be
 *
 * `request.evident` is the access, to be completed by handlers. WebSocket upgrades have no answer and are not recorded.
 */
export const fastifyEvident: FastifyPluginCallback<FastifyEvidentOptions> = Object.assign(register, {
  // What `fastify-plugin` sets: the hooks are for the whole application, not for an inner one.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@evident/sdk",
});
