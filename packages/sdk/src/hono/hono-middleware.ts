import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Recorder } from "../event/index.ts";
import { type AccessContext, type AccessOptions, type HttpAccess, httpRecorder, type Peer } from "../http/index.ts";
import { watchBody } from "../web/index.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The access that this request is; set by the middleware of `@evident/sdk/hono`. */
    evident: AccessContext;
  }
}

/** Settings of the middleware. */
export interface HonoEvidentOptions extends AccessOptions<Context> {
  /** The network peer. Default: what `@hono/node-server` knows; elsewhere it is unknown, and the platform's header goes into `trustProxy`. */
  readonly peer?: (context: Context) => Peer;
}

type Socket = { readonly remoteAddress?: string; readonly remotePort?: number };

function nodePeer({ env }: Context): Peer {
  const socket = (env as { readonly incoming?: { readonly socket?: Socket } } | undefined)?.incoming?.socket;
  return { ip: socket?.remoteAddress, port: socket?.remotePort };
}

/**
 * The route that answered, or would have answered had no middleware done so before. Hono keeps middleware and handlers in one list; as its
 * own route inspector does, a function of two parameters counts as middleware, unless it was given for one method.
 */
function templateOf(context: Context): string | undefined {
  const routes = matchedRoutes(context);
  const { routeIndex } = context.req;
  const isHandler = ({ handler, method }: (typeof routes)[number]): boolean => handler.length < 2 || method !== "ALL";
  return routes.slice(routeIndex).find(isHandler)?.path;
}

function waitUntil(context: Context, work: Promise<unknown>): void {
  try {
    context.executionCtx.waitUntil(work);
  } catch {
    // Hono throws where the runtime has no execution context: a server goes on by itself.
    work.catch(() => undefined);
  }
}

async function readBody(context: Context): Promise<unknown> {
  const isJson = /\bjson\b/.test(context.req.header("content-type") ?? "");
  try {
    return isJson ? await context.req.json<unknown>() : await context.req.parseBody();
  } catch {
    return undefined;
  }
}

/**
 * Records every request of a Hono application, when its answer is complete. Use it before the routes.
 *
 * @example app.use(honoEvident(evident, { actor: (c) => c.get("user") && { type: "user", id: c.get("user").id, ns: "shop" } }));
 *
 * @throws SdkError `config_invalid` for settings that cannot be
 *
 * `c.get("evident")` is the access, to be completed by handlers. WebSocket upgrades are recorded as the answer 101 at most, not what
 * follows. With a client of `@evident/sdk/edge`, events are sent in `executionCtx.waitUntil`.
 */
export function honoEvident(recorder: Recorder, options: HonoEvidentOptions = {}): MiddlewareHandler {
  const begin = httpRecorder<Context>(recorder, options);
  const peer = options.peer ?? nodePeer;
  return async (context, next) => {
    // Used twice, for example by an application inside another: one request is one access.
    if ((context.get("evident") as AccessContext | undefined) !== undefined) return next();
    const { method } = context.req;
    const header = (name: string): string | undefined => context.req.header(name);
    const access = begin({ request: context, method, peer: peer(context), header });
    context.set("evident", access.context);
    let finish: (recorded: unknown) => void = () => undefined;
    const finished = new Promise((resolve) => {
      finish = resolve;
    });
    const { drain } = recorder;
    if (drain !== undefined) waitUntil(context, finished.then(drain));
    try {
      await next();
    } catch (error) {
      await finishAccess(access, context, { status: 500, isAborted: false, error });
      finish(undefined);
      throw error;
    }
    const { status } = context.res;
    const template = templateOf(context);
    const body = access.wantsBody(template) ? await readBody(context) : undefined;
    const error = status >= 500 ? context.error : undefined;
    const params = { ...context.req.param() };
    const answer = watchBody(method, context.res, (end) => {
      const recorded = access.finish({ template, params, status, body, error, ...end });
      finish(recorded);
    });
    // Assigning the same answer again would make Hono merge its headers with themselves.
    if (answer !== context.res) {
      context.res = undefined;
      context.res = answer;
    }
  };
}

function finishAccess(
  access: HttpAccess,
  context: Context,
  end: { readonly status: number; readonly isAborted: boolean; readonly error: unknown },
): void | Promise<void> {
  return access.finish({ template: templateOf(context), params: { ...context.req.param() }, ...end });
}
