import { comparisons } from "./compile-condition.ts";
import { TIME_FORMATS } from "./compile-time.ts";
import { eventShape, type ObjectShape, type Shape } from "./event-shape.ts";
import type { Leaf } from "./leaf.ts";

type Schema = Readonly<Record<string, unknown>>;

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const oneOrMany = (schema: Schema): Schema => ({ anyOf: [schema, { type: "array", items: schema, minItems: 1 }] });
const closed = { type: "object", additionalProperties: false } as const;

/** Text that is a path or a template: in place of a fixed value of any type. */
const dynamic: Schema = { type: "string", pattern: "^[$@]([.\\[]|$)|\\{[$@]" };

function fixedOf({ type, allowed }: Leaf): Schema {
  if (allowed !== undefined) return { enum: allowed };
  return type === "text" ? { type: ["string", "number", "boolean"] } : { type };
}

/** A value of a member: fixed, path, template, map, or several of which the first that says something wins. */
function valueOf(leaf: Leaf): Schema {
  const fixed = fixedOf(leaf);
  const properties = {
    path: {
      ...oneOrMany(ref("path")),
      description: "Where the value stands; of several paths the first that says something.",
    },
    value: { description: "A fixed value, or what a table translates." },
    template: {
      type: "string",
      description: "Text with paths in braces: {$.app}/{$.name}. Says nothing when a path does.",
    },
    when: { ...ref("condition"), description: "Only then." },
    between: ref("between"),
    split: {
      type: "string",
      minLength: 1,
      description: "What separates several values in one text; only where there may be several.",
    },
    table: {
      type: "object",
      additionalProperties: fixed,
      minProperties: 1,
      description: "What the source's words mean.",
    },
    ranges: {
      type: "array",
      minItems: 1,
      description: "What ranges of numbers mean; the first that fits.",
      items: {
        ...closed,
        required: ["value"],
        properties: { from: { type: "number" }, to: { type: "number" }, value: fixed },
      },
    },
    ignoreCase: { type: "boolean", description: "Whether the table's words are looked up in any case." },
    default: { ...fixed, description: "In place of nothing; the event carries a warning." },
  };
  return oneOrMany({ anyOf: [fixed, dynamic, { ...closed, properties }] });
}

/** Definitions of values by what they may hold, added as they are asked for. */
class ValueDefinitions {
  readonly all: Record<string, Schema> = {};
  readonly #names = new Map<string, string>();

  refTo(leaf: Leaf): Schema {
    const key = leaf.allowed?.join("|") ?? leaf.type;
    const known = this.#names.get(key);
    if (known !== undefined) return ref(known);
    const name = leaf.allowed === undefined ? leaf.type : `choice${this.#names.size}`;
    this.#names.set(key, name);
    this.all[name] = valueOf(leaf);
    return ref(name);
  }
}

function schemaOf(name: string, shape: Shape, values: ValueDefinitions): Schema {
  switch (shape.kind) {
    case "leaf":
    case "texts":
      return { ...values.refTo(shape.leaf), description: shape.description };
    case "time":
      return { description: shape.description, ...oneOrMany(ref("time")) };
    case "object":
      return objectOf(shape, {}, values);
    case "objects": {
      const extra = {
        each: { ...ref("path"), description: "One for each of these; @ is the element." },
        when: { ...ref("condition"), description: "Only then." },
      };
      // One definition for both forms, a list and a single one.
      values.all[`${name}Item`] = objectOf(shape.item, extra, values);
      return { description: shape.description, ...oneOrMany(ref(`${name}Item`)) };
    }
  }
}

function objectOf(
  { members, required, description }: ObjectShape,
  extra: Readonly<Record<string, Schema>>,
  values: ValueDefinitions,
): Schema {
  const properties = Object.fromEntries(
    Object.entries(members).map(([name, shape]) => [name, schemaOf(name, shape, values)]),
  );
  return { ...closed, description, required, properties: { ...properties, ...extra } };
}

function conditionSchema(): Schema {
  const texts = oneOrMany({ type: ["string", "number", "boolean"] });
  const compared = Object.entries(comparisons).map(([name, description]) => {
    const isNumber = name === "above" || name === "below";
    return [
      name,
      { ...(name === "exists" ? { type: "boolean" } : isNumber ? { type: "number" } : texts), description },
    ] as const;
  });
  return {
    ...closed,
    description:
      "Comparisons of what a path selects (any of it, when it is several), or conditions of conditions. All given must hold.",
    minProperties: 1,
    properties: {
      path: oneOrMany(ref("path")),
      ...Object.fromEntries(compared),
      ignoreCase: { type: "boolean" },
      all: { type: "array", minItems: 1, items: ref("condition") },
      any: { type: "array", minItems: 1, items: ref("condition") },
      not: ref("condition"),
    },
  };
}

const definitions: Schema = {
  path: {
    type: "string",
    pattern: "^[$@]([.\\[]|$)",
    maxLength: 1_000,
    description:
      "A path of the subset of RFC 9535: $ is the record, @ the element of each; .name, ['any name'], [0], [-1], [*].",
  },
  condition: conditionSchema(),
  between: {
    type: "array",
    prefixItems: [{ type: "string" }, { type: "string" }],
    minItems: 2,
    maxItems: 2,
    description:
      "Takes the text behind the first and before the second text; an empty text is the beginning or the end.",
  },
  time: {
    anyOf: [
      ref("path"),
      {
        ...closed,
        required: ["path"],
        properties: {
          path: oneOrMany(ref("path")),
          format: {
            type: "string",
            description: `${TIME_FORMATS.join(", ")}, or a pattern of yyyy MM MMM dd HH hh a mm ss S Z and text in quotes. Default: rfc3339.`,
            default: "rfc3339",
          },
          zone: {
            type: "string",
            description: "Zone of times that state none: Europe/Berlin, +02:00, UTC. The event carries a warning.",
          },
          when: ref("condition"),
        },
      },
    ],
  },
};

/** The published JSON Schema of mappings, for editors and validators in other languages. It knows every member that an event has. */
export function mappingJsonSchema(): Record<string, unknown> {
  const values = new ValueDefinitions();
  const extra = {
    name: { type: "string", description: "Name of the mapping, for people." },
    description: { type: "string", description: "What it reads, for people." },
    each: { ...ref("path"), description: "Elements of the record that are events of their own." },
    skip: {
      type: "array",
      description: "Records that are no access: nothing of them is kept.",
      items: {
        ...closed,
        required: ["when"],
        properties: {
          when: ref("condition"),
          why: { type: "string", description: "In a few words, the same for all of that sort." },
        },
      },
    },
    missingTime: {
      enum: ["received", "unreadable"],
      default: "unreadable",
      description: "What becomes of records without a time: they get that of their receipt, or go to quarantine.",
    },
    mask: {
      type: "array",
      items: ref("path"),
      description: "What is replaced by *** in native and detail, beside what is a secret by its name.",
    },
    detail: {
      type: "object",
      description: "Further facts by name: paths, whose values are taken as they are, or values.",
    },
    native: { type: "boolean", default: true, description: "Whether the record is kept whole beside the event." },
  };
  const event = objectOf(eventShape, extra, values);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Mapping of the adapter json",
    ...(JSON.parse(JSON.stringify(event)) as Record<string, unknown>),
    description:
      "How records of one JSON format become access events. Members are those of an event; see docs/adapters/json.md.",
    $defs: JSON.parse(JSON.stringify({ ...definitions, ...values.all })) as unknown,
  };
}
