import { excerpt, nearestName } from "@evident/core";
import type { JsonObject } from "../../adapt/index.ts";
import type { Place } from "./place.ts";

/** Reports members of a map that nobody knows, with the nearest name that somebody does. */
export function checkNames(raw: JsonObject, known: readonly string[], place: Place): void {
  for (const name of Object.keys(raw)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const fix = nearest === undefined ? `Known here: ${known.join(", ")}.` : `Did you mean ${nearest}?`;
    place.at(name).report(`${excerpt(name)} is not known here`, fix);
  }
}
