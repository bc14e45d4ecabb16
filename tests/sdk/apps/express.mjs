import { expressEvident } from "@evident/sdk/express";
import express from "express";
import { pause, port, started, watched } from "./start.mjs";

const app = express();
app.disable("etag");
app.use(expressEvident(watched, { actor: (request) => ({ type: "user", id: request.get("x-user"), ns: "shop" }) }));
app.get("/patients/:id", (request, response) => {
  response.json({ id: request.params.id });
});
app.post("/patients", (_request, response) => {
  response.status(201).end();
});
app.get("/slow/:id", async (request, response) => {
  await pause(400);
  response.send(request.params.id);
});
app.get("/broken/:id", () => {
  throw new Error("broken");
});
app.use((_error, _request, response, _next) => {
  response.status(500).end();
});
const server = app.listen(port, "127.0.0.1", () => started((then) => server.close(then)));
