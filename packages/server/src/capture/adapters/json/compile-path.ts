import { type JsonPath, parseJsonPath, selectAll, selectFirst } from "./json-path.ts";
import type { Place } from "./place.ts";
import type { Read, ReadList } from "./scope.ts";

/** Reads a path of a mapping; reports what is wrong with it. */
export function compilePath(raw: unknown, place: Place): JsonPath | undefined {
  if (typeof raw !== "string") return place.report("is no path", "Write a path such as $.user.id.");
  const parsed = parseJsonPath(raw);
  return parsed.ok
    ? parsed.path
    : place.report(`the path ${parsed.problem}`, "Write a path such as $.user.id or $['user.id'].");
}

/** The first value that one of several paths selects and that is not null. */
export function compileFirst(raw: unknown, place: Place): Read {
  const list = Array.isArray(raw) ? (raw as readonly unknown[]) : [raw];
  const paths = list.flatMap((each, index) => compilePath(each, list === raw ? place.at(index) : place) ?? []);
  if (list.length === 0) place.report("is an empty list", "Give at least one path.");
  const [only] = paths;
  if (only !== undefined && paths.length === 1) return ({ root, node }) => selectFirst(only, root, node);
  return ({ root, node }) => {
    for (const path of paths) {
      const found = selectFirst(path, root, node);
      if (found !== undefined && found !== null && found !== "") return found;
    }
    return undefined;
  };
}

/** Everything that one or several paths select. */
export function compileAnyPath(raw: unknown, place: Place): ReadList {
  const list = Array.isArray(raw) ? (raw as readonly unknown[]) : [raw];
  const paths = list.flatMap((each, index) => compilePath(each, list === raw ? place.at(index) : place) ?? []);
  return ({ root, node }) => paths.flatMap((path) => selectAll(path, root, node));
}
