import type { IncomingMessage, ServerResponse } from "node:http";
import type { Recorder } from "../event/index.ts";
import { type AccessContext, type AccessOptions, httpRecorder } from "../http/index.ts";
import { headerOf, peerOf, watchResponse } from "../node-http/index.ts";
import { watchRoute } from "./watch-route.ts";

declare global {
  namespace Express {
    interface Request {
      /** The access that this request is; set by the middleware of `@evident/sdk/express`. */
      evident: AccessContext;
    }
  }
}

/** What is read of an Express request. `Request` of Express fits. */
export interface ExpressRequest extends IncomingMessage {
  readonly body?: unknown;
}

/** Fits `app.use`. */
export type ExpressMiddleware<Request> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

type Marked = { evident?: AccessContext };

/**
 * Records every request of an Express 5 application, when its answer is complete. Use it before the routes.
 *
 * @example app.use(expressEvident(evident, { actor: (request: Request) => request.user && { type: "user", id: request.user.id, ns: "shop" } }));
 *
 * @throws SdkError `config_invalid` for settings that cannot be
 *
 * `request.evident` is the access, to be completed by handlers. WebSocket upgrades do not pass through middleware and are not recorded.
 */
export function expressEvident<Request extends ExpressRequest = ExpressRequest>(
  recorder: Recorder,
  options: AccessOptions<Request> = {},
): ExpressMiddleware<Request> {
  const begin = httpRecorder(recorder, options);
  return (request, response, next) => {
    const marked = request as Marked;
    // Used twice, for example by an application inside another: one request is one access.
    if (marked.evident !== undefined) return next();
    const access = begin({
      request,
      method: request.method ?? "",
      peer: peerOf(request),
      header: (name) => headerOf(request, name),
    });
    marked.evident = access.context;
    const matched = watchRoute(request);
    watchResponse(response, (isAborted) => {
      void access.finish({ ...matched(), status: response.statusCode, isAborted, body: request.body });
    });
    next();
  };
}
