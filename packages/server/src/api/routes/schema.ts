import { eventJsonSchema } from "@evident/core";
import { type ApiContext, type App } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { answerOf } from "./schemas.ts";

const CACHE = "public, max-age=3600";

/** `/schema/event.json` and `/openapi.json`. */
export function registerSchemas(app: App, _context: ApiContext): void {
  const eventSchema = JSON.stringify(eventJsonSchema());
  app.get(
    "/schema/event.json",
    {
      config: { access: access.public },
      schema: {
        tags: ["server"],
        summary: "JSON Schema of an event",
        security: [],
        response: { 200: answerOf("JSON Schema 2020-12.", "application/schema+json") },
      },
    },
    (_, reply) => reply.header("cache-control", CACHE).type("application/schema+json; charset=utf-8").send(eventSchema),
  );
  let openApi: string | undefined;
  app.get("/openapi.json", { config: { access: access.public }, schema: { hide: true } }, (_, reply) => {
    openApi ??= JSON.stringify(app.swagger());
    return reply.header("cache-control", CACHE).type("application/json; charset=utf-8").send(openApi);
  });
}
