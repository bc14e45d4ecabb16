import type { TSchema } from "typebox";
import { type AccessEvent, AccessEventSchema } from "./event-schema.ts";

type Orderer = (value: unknown) => unknown;

interface ObjectShape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly patternProperties?: unknown;
}

/** Builds a function that puts an object's members into schema order, returning the same object when they already are. */
function makeOrderer(schema: TSchema): Orderer | undefined {
  const { properties, items, patternProperties } = schema as ObjectShape;
  if (items !== undefined) {
    const orderItem = makeOrderer(items);
    return orderItem === undefined ? undefined : (value) => orderArray(value, orderItem);
  }
  if (properties === undefined || patternProperties !== undefined) return undefined;
  const members = Object.entries(properties).map(([key, member]) => ({ key, order: makeOrderer(member) }));
  const places = new Map(members.map(({ key, order }, place) => [key, { place, order }]));
  return (value) => {
    if (typeof value !== "object" || value === null) return value;
    const object = value as Record<string, unknown>;
    let last = -1;
    let same = true;
    for (const key in object) {
      const known = places.get(key);
      if (known === undefined) continue;
      if (known.place < last) same = false;
      last = known.place;
      const { order } = known;
      if (order === undefined) continue;
      const before = object[key];
      const after = order(before);
      if (after !== before) object[key] = after;
    }
    return same
      ? object
      : Object.fromEntries(
          members.filter(({ key }) => Object.hasOwn(object, key)).map(({ key }) => [key, object[key]]),
        );
  };
}

function orderArray(value: unknown, orderItem: Orderer): unknown {
  if (!Array.isArray(value)) return value;
  for (const [i, item] of value.entries()) {
    const after = orderItem(item);
    if (after !== item) value[i] = after;
  }
  return value;
}

const orderEvent = makeOrderer(AccessEventSchema);

/** JSON text of a checked event: one line, members in schema order, `detail` and `native` as they were sent. */
export function canonicalEvent(event: AccessEvent): string {
  return JSON.stringify(orderEvent === undefined ? event : orderEvent(event));
}
