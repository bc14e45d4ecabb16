import { isObject, type JsonObject } from "../../adapt/index.ts";
import { checkNames } from "./check-names.ts";
import { compileCondition } from "./compile-condition.ts";
import { compilePath } from "./compile-path.ts";
import { compileTime } from "./compile-time.ts";
import { compileList, compileValue } from "./compile-value.ts";
import type { ObjectShape, Shape } from "./event-shape.ts";
import { selectAll } from "./json-path.ts";
import type { Place } from "./place.ts";
import type { Read, Scope } from "./scope.ts";

/** Reads the members of an object that the record states; the others are absent. */
export type ReadObject = (scope: Scope) => JsonObject;

/** Members of an element of a list of objects beside those of its shape. */
const ITEM_MEMBERS = ["each", "when"] as const;

/** Compiles an object of a mapping. `extra`: members that the caller reads itself. */
export function compileObject(
  raw: unknown,
  shape: ObjectShape,
  place: Place,
  extra: readonly string[] = [],
): ReadObject {
  if (!isObject(raw)) {
    place.report("is no map", `Give ${Object.keys(shape.members).join(", ")}.`);
    return () => ({});
  }
  checkNames(raw, [...Object.keys(shape.members), ...extra], place);
  for (const name of shape.required) {
    if (raw[name] === undefined)
      place.report(`${name} is missing`, `Add ${name}: ${descriptionOf(shape.members[name])}`);
  }
  const reads = Object.entries(shape.members).flatMap(([name, member]) =>
    raw[name] === undefined ? [] : [[name, compileShape(raw[name], member, place.at(name))] as const],
  );
  const needsNamespace = "ns" in shape.members;
  return (scope) => {
    const found: Record<string, unknown> = needsNamespace ? { ns: scope.system } : {};
    for (const [name, read] of reads) {
      const value = read(scope);
      if (value !== undefined) found[name] = value;
    }
    return found;
  };
}

function descriptionOf(shape: Shape | undefined): string {
  return shape?.description ?? "";
}

/** Compiles a part of an event; the reader gives undefined where the record says nothing. */
export function compileShape(raw: unknown, shape: Shape, place: Place): Read {
  switch (shape.kind) {
    case "leaf":
      return compileValue(raw, shape.leaf, place);
    case "time": {
      const read = compileTime(raw, place);
      return (scope) => {
        const time = read(scope);
        if (time?.tz === "assumed") scope.warnings.add("tz:assumed");
        return time?.occurred;
      };
    }
    case "texts": {
      const list = compileList(raw, shape.leaf, place);
      return (scope) => nonEmpty(list(scope));
    }
    case "objects":
      return compileObjects(raw, shape.item, place);
    case "object": {
      const read = compileObject(raw, shape, place);
      // Half an object would say something else, or be refused.
      return (scope) => whole(read(scope), shape);
    }
  }
}

function whole(found: JsonObject, { required, members }: ObjectShape): JsonObject | undefined {
  if (required.some((name) => found[name] === undefined)) return undefined;
  return Object.keys(found).length > ("ns" in members ? 1 : 0) ? found : undefined;
}

function nonEmpty(list: readonly unknown[]): readonly unknown[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** A list of objects: one or several templates, each for the record or for every element of `each`. */
function compileObjects(raw: unknown, shape: ObjectShape, place: Place): Read {
  const list = Array.isArray(raw) ? (raw as readonly unknown[]) : [raw];
  if (list.length === 0) place.report("is an empty list", "Describe at least one.");
  const reads = list.map((each, index) => compileItem(each, shape, list === raw ? place.at(index) : place));
  return (scope) => nonEmpty(reads.flatMap((read) => read(scope)));
}

function compileItem(raw: unknown, shape: ObjectShape, place: Place): (scope: Scope) => readonly JsonObject[] {
  const read = compileObject(raw, shape, place, ITEM_MEMBERS);
  if (!isObject(raw)) return () => [];
  const each = raw["each"] === undefined ? undefined : compilePath(raw["each"], place.at("each"));
  const test = raw["when"] === undefined ? undefined : compileCondition(raw["when"], place.at("when"));
  const readOne = (scope: Scope): readonly JsonObject[] => {
    if (test?.(scope) === false) return [];
    return [whole(read(scope), shape)].filter((found) => found !== undefined);
  };
  if (each === undefined) return readOne;
  return (scope) => selectAll(each, scope.root, scope.node).flatMap((node) => readOne({ ...scope, node }));
}
