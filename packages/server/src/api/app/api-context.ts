import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyTypeProvider,
  RawServerDefault,
} from "fastify";
import type { Static, TSchema } from "typebox";
import type { Checker } from "../../check/index.ts";
import type { Config } from "../../config/index.ts";
import type { Ledger } from "../../ledger/index.ts";
import type { Search } from "../../search/index.ts";
import type { SourceBook } from "../../sources/index.ts";
import type { Access, Authentication, Authenticator, KeyState } from "../auth/index.ts";
import type { ApiMetrics } from "../metrics/index.ts";
import type { ReadLog } from "../reads/index.ts";

/** Gives handlers the types of their TypeBox schemas. */
export interface TypeBoxTypes extends FastifyTypeProvider {
  readonly validator: this["schema"] extends TSchema ? Static<this["schema"]> : unknown;
  readonly serializer: unknown;
}

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypes>;
export type Request = FastifyRequest;
export type Reply = FastifyReply;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may use the route. A route without it is refused, and stops start-up. */
    readonly access?: Access;
    /** Body for the OpenAPI document, of a route that reads its body as a stream. */
    readonly documentedBody?: object;
  }
  interface FastifyRequest {
    authentication: Authentication;
  }
}

/** What every route works with. */
export interface ApiContext {
  readonly config: Config;
  readonly version: string;
  readonly ledger: Ledger;
  readonly search: Search;
  readonly checker: Checker;
  readonly sources: SourceBook;
  readonly authenticator: Authenticator;
  readonly keyState: () => KeyState;
  readonly readLog: ReadLog;
  readonly metrics: ApiMetrics;
  /** Aborted when the server begins to stop: streams end, requests finish. */
  readonly stopping: AbortSignal;
}
