import { randomUUID } from "node:crypto";
import { EvidentError } from "@evident/core";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import underPressure from "@fastify/under-pressure";
import fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import type { TSchema } from "typebox";
import { makeRangeTest } from "../../config/index.ts";
import { access, maskApiKeys } from "../auth/index.ts";
import {
  describeFailure,
  makeProblem,
  makeRawAnswer,
  makeRequestCheck,
  PROBLEM_TYPE,
  RetryError,
  toEvidentError,
} from "../problems/index.ts";
import type { ApiContext, App, TypeBoxTypes } from "./api-context.ts";
import { lingerOverBody } from "./linger.ts";
import type { MadeServer } from "./make-server.ts";
import { openApiInfo } from "./open-api-info.ts";
import { protect, type RouteAccess } from "./protect.ts";
import { UnreadAnswers } from "./unread-answers.ts";

const JSON_BODY_BYTES = 64 * 1024;
const MAX_PARAM_LENGTH = 4_096;
const MAX_LOGGED_PATH = 200;
const SECOND_MS = 1_000;
const EVENT_LOOP_DELAY_MS = 3_000;
const RETRY_AFTER_SECONDS = 1;
const YEAR_SECONDS = 365 * 24 * 3600;

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  // Work for a client that has gone is given up: that is no failure of ours.
  const failure = reply.raw.destroyed ? new EvidentError("too_slow", "the client has gone") : toEvidentError(error);
  if (failure.status >= 500)
    request.log.error({ code: failure.code, failure: describeFailure(failure) }, "request failed");
  else request.log.debug({ code: failure.code, detail: maskApiKeys(failure.message) }, "request refused");
  if (failure.code === "unauthenticated") reply.header("www-authenticate", 'Bearer realm="evident"');
  if ((failure.code === "overloaded" || failure.code === "not_ready") && !reply.hasHeader("retry-after")) {
    reply.header("retry-after", failure instanceof RetryError ? failure.retryAfterSeconds : RETRY_AFTER_SECONDS);
  }
  reply
    .code(failure.status)
    .header("cache-control", "no-store")
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(makeProblem(failure, request.id)));
}

/** The path alone, since queries may hold what somebody searched for; bounded, and without keys that somebody put there. */
function pathOf({ url }: FastifyRequest): string {
  return maskApiKeys((url.split("?", 1)[0] ?? "").slice(0, MAX_LOGGED_PATH));
}

function setAnswers(app: App): void {
  // Answers are made to their schemas by types; the schemas describe them for OpenAPI.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => makeRequestCheck(schema, httpPart ?? "body"));
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler((request, reply) => {
    answerProblem(
      new EvidentError("not_found", `there is no ${request.method} ${pathOf(request)}`, { fix: "See /reference." }),
      request,
      reply,
    );
  });
}

async function addGuards(app: App, context: ApiContext): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity:
      context.config.tls === undefined ? false : { maxAge: YEAR_SECONDS, includeSubDomains: false },
  });
  await app.register(rateLimit, {
    max: context.config.limits.requestsPerSecond,
    timeWindow: SECOND_MS,
    cache: 10_000,
    keyGenerator: ({ authentication, ip }) =>
      authentication.kind === "granted" ? `key ${authentication.grant.keyId}` : `address ${ip}`,
    errorResponseBuilder: (_, { max }) =>
      new EvidentError("overloaded", `more than ${max} requests in a second with this key or from this address`),
  });
  await app.register(underPressure, {
    maxEventLoopDelay: EVENT_LOOP_DELAY_MS,
    pressureHandler: async (request) => {
      if (request.routeOptions.config.access?.kind === "public") return;
      throw new EvidentError("overloaded", "the server is busy");
    },
  });
}

async function addReference(app: App, context: ApiContext): Promise<void> {
  await app.register(swagger, openApiInfo(context.version));
  await app.register(async (inner) => {
    inner.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: access.public };
    });
    await inner.register(swaggerUi, {
      routePrefix: "/reference",
      uiConfig: { docExpansion: "list", deepLinking: true, validatorUrl: null, persistAuthorization: false },
      theme: { title: "Evident: HTTP reference" },
      staticCSP: false,
    });
  });
}

/** Builds the framework with everything that holds for every route; routes are added by the caller. */
export async function makeApp(
  context: ApiContext,
  server: MadeServer,
  log: FastifyBaseLogger,
): Promise<{ readonly app: App; readonly routes: () => readonly RouteAccess[] }> {
  const isProxy = makeRangeTest(context.config.behindProxy);
  const app: App = fastify({
    serverFactory: (listener) => server.create(listener),
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: context.config.behindProxy.length === 0 ? false : (address: string) => isProxy(address),
    bodyLimit: JSON_BODY_BYTES,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: "array",
        useDefaults: true,
        allErrors: true,
        verbose: true,
      },
    },
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply),
    clientErrorHandler: (error, socket) => {
      // The peer has gone or its bytes are no HTTP: nothing was routed, so nothing is logged above debug.
      log.debug({ code: error.code }, "connection refused");
      if (!socket.writable) return;
      const code = error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? "too_slow" : "bad_request";
      socket.end(makeRawAnswer(new EvidentError(code, "the request could not be read as HTTP/1.1")));
    },
  }).withTypeProvider<TypeBoxTypes>();
  app.removeContentTypeParser("text/plain");
  setAnswers(app);
  const routes = protect(app, context);
  await addGuards(app, context);
  await addReference(app, context);
  const unread = new UnreadAnswers();
  app.addHook("preHandler", async ({ routeOptions }) => {
    if (routeOptions.config.access?.kind !== "public") unread.check();
  });
  app.addHook("onSend", async (request, reply, payload) => {
    lingerOverBody(request, reply);
    unread.add(reply, payload);
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    const { method } = request;
    context.metrics.requestSeconds.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / SECOND_MS);
    request.log.info({ method, path: pathOf(request), status: reply.statusCode, ms: reply.elapsedTime }, "answered");
  });
  return { app, routes };
}
