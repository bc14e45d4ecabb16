import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EvidentError } from "@evident/core";
import type { App } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { answerOf, refusals } from "./schemas.ts";

/** Written by `npm ci`, which packs the SDK of this version. */
const TARBALL = join(import.meta.dirname, "../../../../sdk/evident-sdk.tgz");
const CACHE = "public, max-age=300";

/** `GET /sdk.tgz`: the SDK as npm installs it, of the server's own version. */
export function registerSdkTarball(app: App, path = TARBALL): void {
  app.get(
    "/sdk.tgz",
    {
      config: { access: access.public },
      schema: {
        tags: ["server"],
        summary: "The SDK as an npm tarball",
        description: "`npm install http://127.0.0.1:7070/sdk.tgz` installs `@evident/sdk` of this server's version.",
        security: [],
        response: { 200: answerOf("The tarball.", "application/gzip"), ...refusals },
      },
    },
    async (request, reply) => {
      const bytes = await readFile(path).catch((cause: unknown) => {
        const fix = "Run `npm ci`, or `npm run pack-sdk`, where the server was installed from.";
        throw new EvidentError("not_found", "the SDK was not packed when this server was installed", { cause, fix });
      });
      const tag = `"${hash("sha256", bytes, "hex").slice(0, 32)}"`;
      void reply.header("cache-control", CACHE).header("etag", tag);
      if (request.headers["if-none-match"] === tag) return reply.code(304).send();
      return reply.type("application/gzip").send(bytes);
    },
  );
}
