import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";

const DESCRIPTION = `Access logs that are evidence. Send events, find them, and prove offline that none was changed.

Every request carries \`Authorization: Bearer evk_<id>_<secret>\`. Errors are problem documents (RFC 9457) with a stable \`code\` and a \`fix\`;
\`/errors\` lists them. Every read is itself an entry in the trail \`evident-reads\` before it is answered.

Verifiers need only a trail's genesis keys: \`/v1/trails/{trail}/log\` is a C2SP tlog-tiles log, and a receipt is a \`.tlog-proof\`.`;

/** What the OpenAPI document says beside the routes. */
export function openApiInfo(version: string): FastifyDynamicSwaggerOptions {
  return {
    transform: ({ schema, url, route }) => {
      const body = route.config?.documentedBody;
      return { schema: body === undefined ? schema : { ...schema, body }, url };
    },
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Evident",
        version,
        description: DESCRIPTION,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      components: {
        securitySchemes: { apiKey: { type: "http", scheme: "bearer", bearerFormat: "evk_<id>_<secret>" } },
      },
      security: [{ apiKey: [] }],
      tags: [
        { name: "events", description: "Send, search, read and prove events." },
        { name: "sources", description: "Who sends events, how late they come, and what is missing." },
        { name: "trails", description: "Append-only sequences of entries, each one Merkle log." },
        { name: "log", description: "C2SP tlog-tiles: checkpoint, tiles and entry bundles." },
        { name: "keys", description: "API keys." },
        { name: "server", description: "The server itself." },
      ],
    },
  };
}
