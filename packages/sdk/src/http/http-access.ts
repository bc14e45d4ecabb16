import { diffFields } from "../digest/index.ts";
import type { Actor, EventDraft, Impact, OpenAccess, Recorder, Resource, Source, Trace } from "../event/index.ts";
import { type AccessContext, makeContext, type Said } from "./access-context.ts";
import type { AccessOptions, RouteOptions } from "./access-options.ts";
import { clientAddress, type Peer } from "./client-address.ts";
import { type HttpEnd, opOfMethod, outcomeOf } from "./outcome-of.ts";

const UNMATCHED = "(unmatched)";
const MAX_TEXT = 1_024;
const MAX_ID = 4_096;
const MAX_BODY_TEXT = 4_096;

/** What is known when a request comes in. */
export interface RequestFacts<Request> {
  readonly request: Request;
  readonly method: string;
  readonly peer: Peer;
  readonly header: (name: string) => string | undefined;
}

/** What is known when its answer is complete. */
export interface RequestEnd extends HttpEnd {
  /** The route's template; undefined when no route matched. */
  readonly template: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** The framework's id of the request, where no header has one. */
  readonly requestId?: string | undefined;
}

/** A request under way. `finish` records it, once; it never throws and never rejects. */
export interface HttpAccess {
  readonly context: AccessContext;
  /** Whether fields of the body are to be recorded on this route: only then it is read. */
  wantsBody(template: string | undefined): boolean;
  finish(end: RequestEnd): void | Promise<void>;
}

/** Begins the accesses of one middleware. */
export type HttpRecorder<Request> = (facts: RequestFacts<Request>) => HttpAccess;

type Params = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | undefined => {
  const text = Array.isArray(value) ? value.join("/") : value;
  return typeof text === "string" && text !== "" && text !== "-" ? text : undefined;
};

/** `:id`, `*path`, `{id}`, `[id]`, `[...path]`. */
const parameter = /[:*](?<plain>[A-Za-z_$][\w$]*)|\{(?<braced>\w+)\}|\[+(?:\.\.\.)?(?<bracketed>\w+)\]+/g;

/** The parameter that stands last in the template: routers give them in any order. */
function lastParam(template: string, params: Params): readonly string[] {
  const names = [...template.matchAll(parameter)].map(
    ({ groups = {} }) => groups.plain ?? groups.braced ?? groups.bracketed,
  );
  const last =
    names.findLast((name) => name !== undefined && Object.hasOwn(params, name)) ?? Object.keys(params).at(-1);
  return last === undefined ? [] : [last];
}

function routeResource(template: string | undefined, params: Params, route: RouteOptions): Resource {
  const type = route.resource ?? "http.route";
  if (template === undefined) return { type, id: UNMATCHED };
  const names = route.params ?? lastParam(template, params);
  const values = names.flatMap((name) => textOf(Object.hasOwn(params, name) ? params[name] : undefined) ?? []);
  if (values.length === 0) return { type, id: template.slice(0, MAX_ID) };
  return { type, id: values.join("/").slice(0, MAX_ID), scope: [template.slice(0, MAX_ID)] };
}

/** The named fields of a body, as they were sent; long text is cut. */
function bodyDetail(body: unknown, names: readonly string[]): Record<string, unknown> | undefined {
  if (names.length === 0 || typeof body !== "object" || body === null) return undefined;
  const fields = names.flatMap((name) => {
    if (!Object.hasOwn(body, name)) return [];
    const value = (body as Record<string, unknown>)[name];
    return [[name, typeof value === "string" ? value.slice(0, MAX_BODY_TEXT) : value] as const];
  });
  return fields.length === 0 ? undefined : { body: Object.fromEntries(fields) };
}

/** The ids of a W3C `traceparent` header. */
function traceOf(header: (name: string) => string | undefined, requestId: string | undefined): Trace | undefined {
  const [, traceId, spanId] =
    /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-/.exec(header("traceparent") ?? "") ?? [];
  const trace = {
    ...(requestId === undefined ? {} : { requestId: requestId.slice(0, MAX_TEXT) }),
    ...(traceId === undefined || spanId === undefined ? {} : { traceId, spanId }),
  };
  return Object.keys(trace).length === 0 ? undefined : trace;
}

function anonymous({ ip }: Source): Actor {
  return ip === undefined ? { type: "anonymous", id: "unknown", ns: "none" } : { type: "anonymous", id: ip, ns: "ip" };
}

function impactOf(said: Said, facts: RequestFacts<unknown>, [before, after]: Digests): Impact {
  const length = facts.header("content-length");
  const fields = said.changed === undefined ? [] : diffFields(said.changed.before, said.changed.after);
  return {
    ...(length !== undefined && /^\d{1,15}$/.test(length) && length !== "0" ? { bytesIn: length } : {}),
    ...(fields.length === 0 ? {} : { fields }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...said.impact,
  };
}

const isPromise = <Value>(value: Value | Promise<Value>): value is Promise<Value> =>
  typeof value === "object" && value !== null && "then" in value;

const failed = (what: string, cause: unknown): string =>
  `${what} failed with ${cause instanceof Error ? cause.name : typeof cause}`;

/** Asks for what the application computes. With promises the answer is one, so that without them recording stays synchronous. */
function settle<Value>(
  compute: () => Value | Promise<Value>,
  what: string,
  warnings: string[],
): Value | undefined | Promise<Value | undefined> {
  const fail = (cause: unknown): undefined => {
    warnings.push(failed(what, cause));
  };
  try {
    const value = compute();
    return isPromise(value) ? value.catch(fail) : value;
  } catch (cause) {
    return fail(cause);
  }
}

function routeFor<Request>(
  options: AccessOptions<Request>,
  method: string,
  template: string | undefined,
): RouteOptions {
  const own = template === undefined ? undefined : options.routes?.[`${method} ${template}`];
  return { ...options.defaults, ...own };
}

type Digests = readonly [before: string | undefined, after: string | undefined];

interface Settled {
  readonly actor: Actor | undefined;
  readonly digests: Digests;
  readonly warnings: readonly string[];
}

class Access<Request> implements HttpAccess {
  readonly context: AccessContext;
  readonly #said: Said;
  readonly #open: OpenAccess;
  readonly #recorder: Recorder;
  readonly #options: AccessOptions<Request>;
  readonly #facts: RequestFacts<Request>;
  readonly #address: (peer: Peer, header: (name: string) => string | undefined) => Source;

  constructor(
    recorder: Recorder,
    options: AccessOptions<Request>,
    facts: RequestFacts<Request>,
    address: (peer: Peer, header: (name: string) => string | undefined) => Source,
  ) {
    this.#recorder = recorder;
    this.#options = options;
    this.#facts = facts;
    this.#address = address;
    this.#open = recorder.begin(facts.method);
    ({ context: this.context, said: this.#said } = makeContext(this.#open.id));
  }

  wantsBody(template: string | undefined): boolean {
    return (routeFor(this.#options, this.#facts.method, template).body ?? []).length > 0;
  }

  finish(end: RequestEnd): void | Promise<void> {
    const route = routeFor(this.#options, this.#facts.method, end.template);
    if (this.#said.isSkipped || route.skip === true) {
      this.#open.abandon();
      return;
    }
    const warnings: string[] = [];
    const { changed, actor: saidActor } = this.#said;
    const { request } = this.#facts;
    const actor = saidActor ?? settle(() => this.#options.actor?.(request), "the actor function", warnings);
    const digests = (changed === undefined ? [] : [changed.before, changed.after]).map((value) =>
      settle(() => this.#recorder.digest(value), "a digest", warnings),
    );
    const endedMs = Date.now();
    const record = (settledActor: Actor | undefined, [before, after]: Digests): void =>
      this.#record(end, route, { actor: settledActor, digests: [before, after], warnings }, endedMs);
    const [before, after] = digests;
    if (!isPromise(actor) && !isPromise(before) && !isPromise(after)) return record(actor, [before, after]);
    return Promise.all([actor, before, after]).then(([who, first, second]) => record(who, [first, second]));
  }

  #record(end: RequestEnd, route: RouteOptions, { actor, digests, warnings }: Settled, endedMs: number): void {
    const { method, header, peer } = this.#facts;
    const said = this.#said;
    const userAgent = header("user-agent")?.slice(0, MAX_ID);
    const source: Source = { ...this.#address(peer, header), ...(userAgent === undefined ? {} : { userAgent }) };
    const requestId = textOf(header(this.#options.requestIdHeader ?? "x-request-id")) ?? end.requestId;
    const [first, ...others] = said.resources;
    const labels = [...(route.labels ?? []), ...said.labels];
    const detail = { ...bodyDetail(end.body, route.body ?? []), ...said.detail };
    const name = route.action ?? `${method} ${end.template ?? UNMATCHED}`.slice(0, MAX_TEXT);
    const draft: EventDraft = {
      time: { occurred: new Date(this.#open.begunMs), ended: new Date(endedMs) },
      actor: actor ?? anonymous(source),
      action: { op: route.op ?? opOfMethod(method), name, kind: "http", ...said.action },
      resources: first === undefined ? [routeResource(end.template, end.params, route)] : [first, ...others],
      outcome: said.outcome ?? outcomeOf(end),
      source,
      impact: pickMembers(impactOf(said, this.#facts, digests)),
      trace: traceOf(header, requestId),
      labels: labels.length === 0 ? undefined : labels,
      detail: pickMembers(detail),
      warnings: warnings.length === 0 ? undefined : warnings,
    };
    this.#open.record(draft);
  }
}

function pickMembers<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

/** Makes what a middleware needs once: checked settings. @throws SdkError `config_invalid` */
export function httpRecorder<Request>(recorder: Recorder, options: AccessOptions<Request>): HttpRecorder<Request> {
  const address = clientAddress(options.trustProxy ?? false);
  return (facts) => new Access(recorder, options, facts, address);
}
