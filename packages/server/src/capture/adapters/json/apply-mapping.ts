import {
  type AdaptContext,
  countryCode,
  isObject,
  type JsonObject,
  type LooseTime,
  MASK,
  type Made,
  made,
  maskMembers,
  type NativeEvent,
  readEpoch,
  skipped,
  splitAddress,
  textAt,
  unreadable,
} from "../../adapt/index.ts";
import type { Mapping } from "./compile-mapping.ts";
import { replaceAt, selectAll } from "./json-path.ts";
import type { Scope } from "./scope.ts";

/** What becomes of a record: one event, one for each element of `each`, or why there is none. */
export function applyMapping(mapping: Mapping, record: JsonObject, context: AdaptContext): readonly Made[] {
  const masked = mapping.masks.reduce<unknown>((value, path) => replaceAt(value, path, MASK), maskMembers(record));
  if (mapping.each === undefined)
    return [readOne(mapping, { record, node: record, masked, maskedNode: masked }, context)];
  const nodes = selectAll(mapping.each, record, record);
  const maskedNodes = selectAll(mapping.each, masked, masked);
  if (nodes.length === 0) return [skipped("nothing to read in it")];
  return nodes.map((node, index) =>
    readOne(mapping, { record, node, masked, maskedNode: maskedNodes[index] }, context),
  );
}

interface Input {
  readonly record: JsonObject;
  readonly node: unknown;
  readonly masked: unknown;
  readonly maskedNode: unknown;
}

function readOne(mapping: Mapping, { record, node, masked, maskedNode }: Input, context: AdaptContext): Made {
  const warnings = new Set<string>();
  const bare: Scope = { root: record, node, warnings, system: "" };
  const skip = mapping.skips.find(({ test }) => test(bare));
  if (skip !== undefined) return skipped(skip.why);
  const system = mapping.system(bare);
  if (typeof system !== "string") return missing(mapping, "origin", "system");
  const scope: Scope = { ...bare, system };
  const time = readTimes(mapping, scope, context);
  if (time === undefined) {
    const fix = "Correct time.occurred in the mapping (path, format, zone), or set missingTime: received.";
    return unreadable("time.occurred", `${mapping.describe("time", "occurred")} gives no time`, fix);
  }
  const actor = mapping.actor(scope);
  const action = readAction(mapping, scope);
  const resources = mapping.resources(scope);
  const outcome = mapping.outcome(scope);
  for (const [name, section, members] of [
    ["actor", actor, ["type", "id"]],
    ["action", action, ["name"]],
  ] as const) {
    const absent = members.find((member) => section[member] === undefined);
    if (absent !== undefined) return missing(mapping, name, absent);
  }
  if (resources === undefined) {
    return unreadable(
      "resources",
      "none has both type and id",
      "Correct resources in the mapping, or give them a default.",
    );
  }
  const event = {
    time,
    actor,
    action,
    resources,
    outcome: { status: "unknown", ...outcome },
    source: {},
    ...readOthers(mapping, scope),
    detail: readDetail(mapping, { ...scope, root: masked, node: maskedNode }),
    origin: { ...mapping.origin(scope), warnings: [...warnings] },
    native: mapping.keepsNative ? maskedNode : undefined,
  };
  // Every member was checked against the event's schema when the mapping was compiled.
  return made(event as unknown as NativeEvent);
}

function missing(mapping: Mapping, section: string, member: string): Made {
  const field = `${section}.${member}`;
  const problem = `${mapping.describe(section, member)} gives nothing`;
  return unreadable(field, problem, `Give ${field} a default in the mapping, or skip such records.`);
}

function readTimes(mapping: Mapping, scope: Scope, context: AdaptContext): NativeEvent["time"] | undefined {
  const stated = mapping.occurred(scope);
  const ended = mapping.ended?.(scope)?.occurred;
  const found: LooseTime | undefined =
    stated ?? (mapping.takesReceipt ? readEpoch(Math.floor(context.nowMs()), "ms") : undefined);
  if (found === undefined) return undefined;
  if (stated === undefined) scope.warnings.add("time:received");
  if (found.tz === "assumed") scope.warnings.add("tz:assumed");
  return { ...found, ended, basis: stated === undefined ? "received" : "event" };
}

/** A verb that the mapping does not know is OTHER, and says so. */
function readAction(mapping: Mapping, scope: Scope): JsonObject {
  const action = mapping.action(scope);
  if (action["op"] !== undefined) return { kind: "other", ...action };
  scope.warnings.add("op:default");
  return { kind: "other", ...action, op: "OTHER" };
}

function readOthers(mapping: Mapping, scope: Scope): JsonObject {
  const found: Record<string, unknown> = {};
  for (const [name, read] of mapping.others) {
    const value = read(scope);
    if (value !== undefined) found[name] = name === "source" && isObject(value) ? tidySource(value, scope) : value;
  }
  return found;
}

/** Addresses may come with their ports, countries with their names. */
function tidySource(source: JsonObject, scope: Scope): JsonObject {
  const tidied: Record<string, unknown> = { ...source };
  const stated = textAt(source, "ip");
  if (stated !== undefined) {
    const address = splitAddress(stated);
    if (address === undefined) scope.warnings.add("dropped:source.ip");
    tidied["ip"] = address?.ip;
    tidied["port"] = source["port"] ?? address?.port;
  }
  const { geo } = source;
  if (isObject(geo)) tidied["geo"] = { ...geo, country: countryCode(textAt(geo, "country")) };
  return tidied;
}

function readDetail(mapping: Mapping, scope: Scope): JsonObject | undefined {
  const entries = mapping.detail.map(([name, read]) => [name, read(scope)] as const);
  const said = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return said.length === 0 ? undefined : Object.fromEntries(said);
}
