import { fastifyEvident } from "@evident/sdk/fastify";
import fastify from "fastify";
import { pause, port, started, watched } from "./start.mjs";

const app = fastify();
app.register(fastifyEvident, {
  evident: watched,
  actor: (request) => ({ type: "user", id: request.headers["x-user"], ns: "shop" }),
});
app.get("/patients/:id", (request) => ({ id: request.params.id }));
app.post("/patients", (_request, reply) => reply.code(201).send());
app.get("/slow/:id", async (request) => {
  await pause(400);
  return request.params.id;
});
app.get("/broken/:id", () => {
  throw new Error("broken");
});
await app.listen({ port, host: "127.0.0.1" });
started((then) => app.close().then(then));
