/** Where a request was dispatched to. */
export interface MatchedRoute {
  readonly template: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
}

type Params = Readonly<Record<string, unknown>>;

interface Routed {
  readonly baseUrl: string;
  route?: unknown;
  params?: unknown;
}

function pathText(route: unknown): string {
  const path: unknown = (route as { readonly path?: unknown }).path;
  const first: unknown = Array.isArray(path) ? path[0] : path;
  return first instanceof RegExp ? first.source : String(first);
}

const valueText = (value: unknown): string => (Array.isArray(value) ? value.join("/") : String(value));

/** The path of the mounted routers with values of parameters replaced by their names, the last value first, each once. */
function mountTemplate(baseUrl: string, mounted: Params): string {
  let text = baseUrl;
  for (const [name, value] of Object.entries(mounted).reverse()) {
    for (const written of [encodeURIComponent(valueText(value)), valueText(value)]) {
      const at = text.lastIndexOf(`/${written}`);
      const end = at + 1 + written.length;
      if (at === -1 || (end < text.length && text[end] !== "/")) continue;
      text = `${text.slice(0, at)}/:${name}${text.slice(end)}`;
      break;
    }
  }
  return text;
}

/**
 * Watches which route a request is dispatched to. Express keeps `route`, `params` and `baseUrl` on the request and puts the last two back
 * when a handler fails, so they have to be read at the moment of the dispatch: the setters do that.
 *
 * @returns asks for the route that was dispatched to last
 */
export function watchRoute(request: object): () => MatchedRoute {
  const routed = request as Routed;
  let { route, params } = routed;
  let mounted: Params = {};
  let matched: MatchedRoute = { template: undefined, params: {} };
  let isDispatching = false;
  Object.defineProperty(request, "route", {
    configurable: true,
    enumerable: true,
    get: () => route,
    set: (value: unknown) => {
      // The route sets itself once more when it runs its handlers.
      if (value === route) return;
      route = value;
      isDispatching = value !== undefined;
    },
  });
  Object.defineProperty(request, "params", {
    configurable: true,
    enumerable: true,
    get: () => params,
    set: (value: unknown) => {
      params = value;
      const own = { ...(value as Params) };
      if (!isDispatching) {
        mounted = { ...mounted, ...own };
        return;
      }
      isDispatching = false;
      const { baseUrl } = routed;
      const path = pathText(route);
      const template = `${mountTemplate(baseUrl, mounted)}${path === "/" && baseUrl !== "" ? "" : path}`;
      matched = { template, params: { ...mounted, ...own } };
    },
  });
  return () => matched;
}
