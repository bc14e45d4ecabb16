import { EvidentError } from "@evident/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Fetched, LogClient } from "./log-client.ts";
import { logPaths, objectLimits } from "./log-paths.ts";

const Text = Type.String({ minLength: 1, maxLength: 4_096 });
const Keys = Type.Array(Text, { maxItems: 8 });
const Size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const ListedSchema = Type.Object({
  name: Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }),
  origin: Text,
  genesis: Keys,
  keys: Keys,
  size: Size,
  publishedSize: Size,
});
const listed = Compile(Type.Object({ trails: Type.Array(ListedSchema) }));
const one = Compile(ListedSchema);
const rotations = Compile(Type.Object({ rotations: Type.Array(Type.Object({ size: Size }), { maxItems: 100_000 }) }));

/** A trail as the server describes it. Nothing of it is checked. */
export type ListedTrail = Type.Static<typeof ListedSchema>;

/**
 * The trails that the key sees, `evident` first: it states what the others must be.
 *
 * @param names only these; undefined: all
 * @throws EvidentError `forbidden`, `unreachable` when the answer is not that of an Evident server, `not_found` for a name without a trail, or no trail at all
 */
export async function listTrails(client: LogClient, names: readonly string[] | undefined): Promise<ListedTrail[]> {
  const answer = await client.fetch("/v1/trails", objectLimits.list);
  if (answer.kind === "denied") {
    throw new EvidentError("forbidden", "the server does not let this key list its trails");
  }
  const value = parseFound(answer);
  if (!listed.Check(value)) throw notEvident();
  const trails = [...value.trails].sort((a, b) => Number(b.name === "evident") - Number(a.name === "evident"));
  if (new Set(trails.map(({ name }) => name)).size < trails.length) throw notEvident();
  if (trails.length === 0) {
    throw new EvidentError("not_found", "the server shows this key no trail", {
      fix: "Use a key of the trails' tenant; an auditor's of the tenant * sees all.",
    });
  }
  const absent = names?.find((name) => !trails.some((trail) => trail.name === name));
  if (absent !== undefined) {
    throw new EvidentError("not_found", `the server shows this key no trail ${JSON.stringify(absent.slice(0, 80))}`, {
      fix: `It shows: ${trails.map(({ name }) => name).join(", ") || "none"}.`,
    });
  }
  return names === undefined ? trails : trails.filter(({ name }) => names.includes(name));
}

/** One trail as the server describes it now; undefined when it does not. */
export async function describeServed(client: LogClient, trail: string): Promise<ListedTrail | undefined> {
  const value = parseFound(await client.fetch(logPaths(trail).info, objectLimits.note));
  return one.Check(value) && value.name === trail ? value : undefined;
}

/** The sizes at which a trail's keys were changed, as the server lists them, smallest first; undefined when it does not. */
export async function listRotations(client: LogClient, trail: string): Promise<number[] | undefined> {
  const value = parseFound(await client.fetch(logPaths(trail).rotations, objectLimits.list));
  if (!rotations.Check(value)) return undefined;
  return [...new Set(value.rotations.map(({ size }) => size))].sort((a, b) => a - b);
}

function parseFound(answer: Fetched): unknown {
  if (answer.kind !== "found") return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(answer.bytes));
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function notEvident(): EvidentError {
  return new EvidentError("unreachable", "what answers there gives no list of trails", {
    fix: "Check that the URL is an Evident server's.",
  });
}
