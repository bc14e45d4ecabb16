import { honoEvident } from "@evident/sdk/hono";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { pause, port, started, watched } from "./start.mjs";

const app = new Hono();
app.use(honoEvident(watched, { actor: (c) => ({ type: "user", id: c.req.header("x-user"), ns: "shop" }) }));
app.get("/patients/:id", (c) => c.json({ id: c.req.param("id") }));
app.post("/patients", (c) => c.body(null, 201));
app.get("/slow/:id", async (c) => {
  await pause(400);
  return c.text(c.req.param("id"));
});
app.get("/broken/:id", () => {
  throw new Error("broken");
});
app.onError((_error, c) => c.body(null, 500));
const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => started((then) => server.close(then)));
