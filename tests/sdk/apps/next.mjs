import { nextEvident } from "@evident/sdk/next";
import { serve } from "@hono/node-server";
import { pause, port, started, watched } from "./start.mjs";

// Route handlers with the requests and answers of the platform, as Next.js calls them; Next.js itself is too large for every test run.
const audited = nextEvident(watched, {
  actor: (request) => ({ type: "user", id: request.headers.get("x-user"), ns: "shop" }),
});
const routes = {
  "GET patients": audited("/patients/[id]", async (_request, { params }) => Response.json({ id: (await params).id })),
  "POST patients": audited("/patients", () => new Response(null, { status: 201 })),
  "GET slow": audited("/slow/[id]", async (_request, { params }) => {
    await pause(400);
    return new Response((await params).id);
  }),
  "GET broken": audited("/broken/[id]", () => {
    throw new Error("broken");
  }),
};
const fetch = async (request) => {
  const [, folder, id] = new URL(request.url).pathname.split("/");
  const handler = routes[`${request.method} ${folder}`];
  if (handler === undefined) return new Response(null, { status: 404 });
  return handler(request, { params: Promise.resolve({ id }) }).catch(() => new Response(null, { status: 500 }));
};
const server = serve({ fetch, port, hostname: "127.0.0.1" }, () => started((then) => server.close(then)));
