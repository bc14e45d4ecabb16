import { EvidentError, parseTilePath } from "@evident/core";
import { Type } from "typebox";
import { type ApiContext, type App, callerOf, grantOf, visibleTrail } from "../app/index.ts";
import { access } from "../auth/index.ts";
import { BundleReads } from "../reads/index.ts";
import { answerOf, refusals, TrailName, TrailParams } from "./schemas.ts";

const BUNDLE_ENTRIES = 256;
const IMMUTABLE = "private, max-age=31536000, immutable";
const BYTES = "application/octet-stream";
const NOTE = "text/plain; charset=utf-8";

/** C2SP tlog-tiles below `/v1/trails/:trail/log`: any key of the trail; entry bundles need an auditor. */
export function registerLogTiles(app: App, context: ApiContext): void {
  const { ledger } = context;
  const bundleReads = new BundleReads(context.readLog, () => ledger.nowMs());
  app.get(
    "/v1/trails/:trail/log/checkpoint",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["log"],
        summary: "The newest checkpoint",
        description: "A C2SP signed note with an Ed25519 and an ML-DSA-44 signature.",
        params: TrailParams,
        response: { 200: answerOf("The note.", "text/plain"), ...refusals },
      },
    },
    async (request, reply) => {
      const { name } = visibleTrail(ledger, grantOf(request), request.params.trail);
      const { note } = ledger.published(name);
      return reply.header("cache-control", "no-store").type(NOTE).send(Buffer.from(note));
    },
  );
  app.get(
    "/v1/trails/:trail/log/tile/entries/*",
    {
      config: { access: access.audit },
      schema: {
        tags: ["log"],
        summary: "An entry bundle",
        description:
          "`<N>` or `<N>.p/<W>`: up to 256 entries, each after its length as 16 bits. The fetch is recorded in `evident-reads`; fetches that " +
          "go on from it are recorded by ranges, each twice as long as the one before.",
        params: Type.Object({ trail: TrailName, "*": Type.String() }),
        response: { 200: answerOf("The bundle.", BYTES), ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { name } = visibleTrail(ledger, caller.grant, request.params.trail);
      const at = parseTilePath(`tile/entries/${request.params["*"]}`);
      const bundle = at?.kind === "entries" ? await ledger.bundle(name, at.n, at.width) : undefined;
      if (at === undefined || bundle === undefined)
        throw new EvidentError("not_found", `the log of ${name} has no such bundle`);
      const first = at.n * BUNDLE_ENTRIES;
      const { publishedSize } = visibleTrail(ledger, caller.grant, name);
      const fetch = { trail: name, first, end: first + at.width, publishedSize, bytesOut: bundle.length };
      await bundleReads.record(caller, fetch);
      return reply.header("cache-control", IMMUTABLE).type(BYTES).send(Buffer.from(bundle));
    },
  );
  registerHashTiles(app, context);
  registerRotations(app, context);
}

function registerHashTiles(app: App, { ledger }: ApiContext): void {
  app.get(
    "/v1/trails/:trail/log/tile/*",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["log"],
        summary: "A hash tile",
        description: "`<L>/<N>` or `<L>/<N>.p/<W>`: up to 256 hashes of 32 bytes.",
        params: Type.Object({ trail: TrailName, "*": Type.String() }),
        response: { 200: answerOf("The hashes.", BYTES), ...refusals },
      },
    },
    async (request, reply) => {
      const { name } = visibleTrail(ledger, grantOf(request), request.params.trail);
      const at = parseTilePath(`tile/${request.params["*"]}`);
      const tile = at?.kind === "tile" ? await ledger.tile(name, at.level, at.n, at.width) : undefined;
      if (tile === undefined) throw new EvidentError("not_found", `the log of ${name} has no such tile`);
      return reply.header("cache-control", IMMUTABLE).type(BYTES).send(Buffer.from(tile));
    },
  );
}

function registerRotations(app: App, { ledger }: ApiContext): void {
  app.get(
    "/v1/trails/:trail/log/rotations",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["log"],
        summary: "Sizes at which the signing keys were rotated",
        params: TrailParams,
        response: { 200: Type.Object({ rotations: Type.Array(Type.Object({ size: Type.Integer() })) }), ...refusals },
      },
    },
    async (request, reply) => {
      const { name } = visibleTrail(ledger, grantOf(request), request.params.trail);
      const rotations = (await ledger.rotations(name)).map(({ size }) => ({ size }));
      return reply.header("cache-control", "no-store").send({ rotations });
    },
  );
  app.get(
    "/v1/trails/:trail/log/rotations/:file",
    {
      config: { access: access.anyKey },
      schema: {
        tags: ["log"],
        summary: "A key rotation: one checkpoint signed by the old and the new keys",
        params: Type.Object({ trail: TrailName, file: Type.String({ pattern: "^\\d{1,16}\\.note$" }) }),
        response: { 200: answerOf("The note.", "text/plain"), ...refusals },
      },
    },
    async (request, reply) => {
      const { name } = visibleTrail(ledger, grantOf(request), request.params.trail);
      const size = Number.parseInt(request.params.file, 10);
      const rotation = (await ledger.rotations(name)).find((each) => each.size === size);
      if (rotation === undefined)
        throw new EvidentError("not_found", `the keys of ${name} were not rotated at size ${size}`);
      return reply.header("cache-control", IMMUTABLE).type(NOTE).send(Buffer.from(rotation.note));
    },
  );
}
