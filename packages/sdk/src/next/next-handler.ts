import type { Recorder } from "../event/index.ts";
import { type AccessContext, type AccessOptions, httpRecorder, type Peer } from "../http/index.ts";
import { watchBody } from "../web/index.ts";

/** Settings of the wrapper. */
export interface NextEvidentOptions<Req extends Request> extends AccessOptions<Req> {
  /** The network peer, where the deployment tells it. Next.js does not: name the platform's header or the proxies in `trustProxy`. */
  readonly peer?: (request: Req) => Peer;
  /** `after` of `next/server`, or the platform's `waitUntil`: only needed with a client of `@evident/sdk/edge`. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

/** What Next.js gives a route handler beside the request. */
interface RouteContext {
  readonly params: Promise<Readonly<Record<string, unknown>>>;
}

/** A route handler that completes its access. */
export type AuditedHandler<Req extends Request, Route> = (
  request: Req,
  route: Route,
  access: AccessContext,
) => Response | Promise<Response>;

/** Wraps the handler of a route whose template is given, as its folder in `app` says it: `/api/patients/[id]`. */
export type NextEvident<Req extends Request> = <Route>(
  template: string,
  handler: AuditedHandler<Req, Route>,
) => (request: Req, route: Route) => Promise<Response>;

async function paramsOf(route: unknown): Promise<Readonly<Record<string, unknown>>> {
  const params = (route as Partial<RouteContext> | undefined)?.params;
  return { ...(await params) };
}

async function readBody(request: Request): Promise<unknown> {
  try {
    const isJson = /\bjson\b/.test(request.headers.get("content-type") ?? "");
    return isJson ? await request.json() : Object.fromEntries(await request.formData());
  } catch {
    return undefined;
  }
}

/** What Next.js throws to redirect, or to answer 401, 403 or 404, is an answer and no failure. */
function statusOfThrown(error: unknown): number | undefined {
  const digest: unknown = (error as { readonly digest?: unknown } | null)?.digest;
  const status = /^NEXT_(?:REDIRECT;.*;|HTTP_ERROR_FALLBACK;)(\d{3})\b/.exec(
    typeof digest === "string" ? digest : "",
  )?.[1];
  return status === undefined ? undefined : Number(status);
}

/**
 * Makes the wrapper of route handlers of Next.js (App Router).
 *
 * @example
 * const audited = nextEvident(evident, { actor: async () => userOf(await auth()) });
 * export const GET = audited("/api/patients/[id]", async (request, { params }) => Response.json(await find((await params).id)));
 *
 * @throws SdkError `config_invalid` for settings that cannot be
 */
export function nextEvident<Req extends Request = Request>(
  recorder: Recorder,
  options: NextEvidentOptions<Req> = {},
): NextEvident<Req> {
  const begin = httpRecorder<Req>(recorder, options);
  return (template, handler) => async (request, route) => {
    const access = begin({
      request,
      method: request.method,
      peer: options.peer?.(request) ?? {},
      header: (name) => request.headers.get(name) ?? undefined,
    });
    const { drain } = recorder;
    const sendAfter = (recorded: void | Promise<void>): void => {
      if (drain !== undefined) options.waitUntil?.(Promise.resolve(recorded).then(drain));
    };
    const body = access.wantsBody(template) ? await readBody(request.clone()) : undefined;
    const params = await paramsOf(route);
    try {
      const response = await handler(request, route, access.context);
      const { status } = response;
      return watchBody(request.method, response, (end) =>
        sendAfter(access.finish({ template, params, status, body, ...end })),
      );
    } catch (error) {
      const status = statusOfThrown(error);
      const end = status === undefined ? { status: 500, error } : { status };
      sendAfter(access.finish({ template, params, body, isAborted: false, ...end }));
      throw error;
    }
  };
}
