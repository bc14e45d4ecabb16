import { excerpt } from "@evident/core";
import { isObject, type JsonObject } from "../../adapt/index.ts";
import { checkNames } from "./check-names.ts";
import { compileCondition } from "./compile-condition.ts";
import { compilePath } from "./compile-path.ts";
import { compileObject, compileShape, type ReadObject } from "./compile-shape.ts";
import { compileTime, type ReadTime } from "./compile-time.ts";
import { compileValue } from "./compile-value.ts";
import { eventShape, type ObjectShape } from "./event-shape.ts";
import { type JsonPath, looksLikePath, selectAll, selectFirst } from "./json-path.ts";
import type { Leaf } from "./leaf.ts";
import type { Place } from "./place.ts";
import type { Read, Test } from "./scope.ts";

/** Members of a mapping beside those of an event. */
export const MAPPING_MEMBERS = [
  "name",
  "description",
  "each",
  "skip",
  "missingTime",
  "mask",
  "detail",
  "native",
] as const;

/** A mapping whose every path, table and condition was checked. */
export interface Mapping {
  /** Elements of the record that are events of their own; absent: the record is one. */
  readonly each: JsonPath | undefined;
  readonly skips: readonly { readonly test: Test; readonly why: string }[];
  readonly system: Read;
  readonly occurred: ReadTime;
  readonly ended: ReadTime | undefined;
  /** Whether records without a time have that of their receipt. */
  readonly takesReceipt: boolean;
  readonly actor: ReadObject;
  readonly action: ReadObject;
  readonly outcome: ReadObject;
  readonly origin: ReadObject;
  readonly resources: Read;
  /** `source`, `impact`, `trace` and `labels`. */
  readonly others: readonly (readonly [string, Read])[];
  readonly detail: readonly (readonly [string, Read])[];
  readonly keepsNative: boolean;
  /** What is replaced in `native` and `detail`, from the record. */
  readonly masks: readonly JsonPath[];
  /** How the mapping describes a member, for what is said about records that lack it. */
  describe(section: string, member: string): string;
}

const text: Leaf = { type: "text", warning: "detail:default" };
const nothing: Read = () => undefined;

/** Compiles a mapping; what is wrong with it is reported at its place, and the result is then of no use. */
export function compileMapping(raw: JsonObject, place: Place): Mapping {
  checkNames(raw, [...Object.keys(eventShape.members), ...MAPPING_MEMBERS], place);
  for (const name of eventShape.required) {
    if (raw[name] === undefined)
      place.report(`${name} is missing`, `Add ${name}: ${eventShape.members[name]?.description ?? ""}`);
  }
  const section = (name: string): ReadObject => {
    const shape = eventShape.members[name];
    return raw[name] === undefined || shape?.kind !== "object"
      ? () => ({})
      : compileObject(raw[name], shape, place.at(name));
  };
  const other = (name: string): Read => {
    const shape = eventShape.members[name];
    return raw[name] === undefined || shape === undefined ? nothing : compileShape(raw[name], shape, place.at(name));
  };
  const each = raw["each"] === undefined ? undefined : compilePath(raw["each"], place.at("each"));
  const { origin } = raw;
  const system = isObject(origin) ? origin["system"] : undefined;
  return {
    each,
    skips: compileSkips(raw["skip"], place.at("skip")),
    // Problems of the system's value are reported where its section is compiled.
    system:
      system === undefined
        ? nothing
        : compileValue(system, { type: "text", warning: "origin.system:default" }, place.at("origin").at("system")),
    ...compileTimes(raw["time"], place.at("time")),
    takesReceipt: compileMissingTime(raw["missingTime"], place.at("missingTime")),
    actor: section("actor"),
    action: section("action"),
    outcome: section("outcome"),
    origin: section("origin"),
    resources: other("resources"),
    others: ["source", "impact", "trace", "labels"].map((name) => [name, other(name)] as const),
    detail: compileDetail(raw["detail"], place.at("detail")),
    keepsNative: compileSwitch(raw["native"], place.at("native")),
    masks: compileMasks(raw["mask"], each, place.at("mask")),
    describe: (sectionName, member) => {
      const given = raw[sectionName];
      return isObject(given) ? excerpt(given[member]) : "it";
    },
  };
}

function compileTimes(
  raw: unknown,
  place: Place,
): { readonly occurred: ReadTime; readonly ended: ReadTime | undefined } {
  const none: ReadTime = () => undefined;
  if (raw === undefined) return { occurred: none, ended: undefined };
  if (!isObject(raw)) {
    place.report("is no map", "Write occurred: and a path, for example { occurred: $.timestamp }.");
    return { occurred: none, ended: undefined };
  }
  const shape: ObjectShape | undefined =
    eventShape.members["time"]?.kind === "object" ? eventShape.members["time"] : undefined;
  checkNames(raw, Object.keys(shape?.members ?? {}), place);
  if (raw["occurred"] === undefined) place.report("occurred is missing", "Add occurred: the time of the event.");
  return {
    occurred: raw["occurred"] === undefined ? none : compileTime(raw["occurred"], place.at("occurred")),
    ended: raw["ended"] === undefined ? undefined : compileTime(raw["ended"], place.at("ended")),
  };
}

function compileSkips(raw: unknown, place: Place): Mapping["skips"] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw))
    return place.report("is no list", "List conditions: - when: { path: $.type, equals: ping }") ?? [];
  return raw.map((each: unknown, index) => {
    const at = place.at(index);
    if (!isObject(each)) {
      at.report("is no map", "Write when: and why:.");
      return { test: () => false, why: "" };
    }
    checkNames(each, ["when", "why"], at);
    const why = typeof each["why"] === "string" ? each["why"].slice(0, 100) : "as the mapping says";
    return { test: compileCondition(each["when"], at.at("when")), why };
  });
}

function compileMissingTime(raw: unknown, place: Place): boolean {
  if (raw === undefined || raw === "unreadable") return false;
  if (raw !== "received") place.report(`${excerpt(raw)} is not known here`, "Write received or unreadable.");
  return true;
}

function compileSwitch(raw: unknown, place: Place): boolean {
  if (raw === undefined || typeof raw === "boolean") return raw !== false;
  place.report(
    "is neither true nor false",
    "Write true to keep the record as native, false to keep only what is mapped.",
  );
  return true;
}

/** Paths of `mask` from the record: `@` is every element of `each`. */
function compileMasks(raw: unknown, each: JsonPath | undefined, place: Place): readonly JsonPath[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) return place.report("is no list", "List paths, for example [$.request.body].") ?? [];
  return raw.flatMap((given: unknown, index): readonly JsonPath[] => {
    const path = compilePath(given, place.at(index));
    if (path === undefined) return [];
    return [
      path.fromRoot || each === undefined ? path : { ...path, fromRoot: true, steps: [...each.steps, ...path.steps] },
    ];
  });
}

/** Facts by name: whatever a path selects, as it is, or a value. */
function compileDetail(raw: unknown, place: Place): Mapping["detail"] {
  if (raw === undefined) return [];
  if (!isObject(raw))
    return place.report("is no map", "Write names and paths, for example { client: $.client.name }.") ?? [];
  return Object.entries(raw).map(([name, spec]) => {
    const at = place.at(name);
    if (typeof spec !== "string" || !looksLikePath(spec)) return [name, compileValue(spec, text, at)] as const;
    const path = compilePath(spec, at);
    if (path === undefined) return [name, nothing] as const;
    return [
      name,
      ({ root, node }) => (path.isMany ? selectAll(path, root, node) : selectFirst(path, root, node)),
    ] as const;
  });
}
