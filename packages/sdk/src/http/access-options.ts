import type { Actor, Op } from "../event/index.ts";
import type { ProxyTrust } from "./client-address.ts";

/** How the accesses of one route are recorded. */
export interface RouteOptions {
  /** The operation, where the method does not tell it: `POST /search` is a READ. */
  readonly op?: Op;
  /** Name of the action. Default: method and template, `GET /patients/:id`. */
  readonly action?: string;
  /** Type of the resource. Default `http.route`. */
  readonly resource?: string;
  /** Parameters of the path that make the resource's id, joined with `/`; none: the template is the id. Default: the last one. */
  readonly params?: readonly string[];
  /** Fields of the request's body to record in `detail.body`. No others are ever read. */
  readonly body?: readonly string[];
  readonly labels?: readonly string[];
  /** Record nothing: health checks, assets. */
  readonly skip?: boolean;
}

/** Settings of a middleware. `Request` is the framework's. */
export interface AccessOptions<Request> {
  /** Who acts, read when the answer is complete. Default, and for undefined: `anonymous` with the address as id. */
  readonly actor?: (request: Request) => Actor | undefined | Promise<Actor | undefined>;
  /** Who may say where a request comes from. Default `false`: only the network peer counts. */
  readonly trustProxy?: ProxyTrust;
  /** Settings of single routes by method and template, as in `"POST /patients/search"`. */
  readonly routes?: Readonly<Record<string, RouteOptions>>;
  /** For every route that says nothing of its own. */
  readonly defaults?: Omit<RouteOptions, "action">;
  /** Header with the request's id. Default `x-request-id`. */
  readonly requestIdHeader?: string;
}
