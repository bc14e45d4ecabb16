import { nearestName } from "@evident/core";
import { Value } from "typebox/value";
import { type ConfigField, describeFix } from "./config-fields.ts";
import type { ConfigProblem, Setting } from "./setting.ts";

const MAX_SHOWN = 80;

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** A list of objects as written, with the defaults of their keys filled in. */
export function withDefaults(field: ConfigField, value: unknown): unknown {
  // The schema of a field is the TypeBox schema that it was made from.
  return Value.Default(field.schema as never, structuredClone(value));
}

/** What is wrong with a list of objects: each fault with the place in the list, and the description of the key as its fix. */
export function checkObjectList(field: ConfigField, { value, at }: Setting): readonly ConfigProblem[] {
  const filled = withDefaults(field, value);
  if (field.validator.Check(filled)) return [];
  const properties = field.schema.items?.properties ?? {};
  const whole = { at, problem: `\`${field.path}\` cannot be ${show(value)}`, fix: describeFix(field) };
  if (!Array.isArray(filled)) return [whole];
  const problems = (field.validator.Errors(filled) as readonly Fault[]).flatMap((fault): readonly ConfigProblem[] => {
    const [index, key] = fault.instancePath.split("/").slice(1);
    const item = index === undefined ? field.path : `${field.path}[${index}]`;
    const names = namesIn(fault.params);
    if (fault.keyword === "required") {
      return names.map((name) => ({
        at,
        problem: `\`${item}.${name}\` is missing`,
        fix: `Set it: ${properties[name]?.description ?? ""}`,
      }));
    }
    if (fault.keyword === "additionalProperties") {
      return names.map((name) => {
        const nearest = nearestName(name, Object.keys(properties));
        const fix = nearest === undefined ? "docs/config.md lists all keys." : `Did you mean \`${nearest}\`?`;
        return { at, problem: `unknown key \`${item}.${name.slice(0, MAX_SHOWN)}\``, fix };
      });
    }
    if (index === undefined || fault.keyword === "boolean") return [];
    if (key === undefined) return [{ at, problem: `\`${item}\` is no object`, fix: describeFix(field) }];
    const given: unknown = (filled[Number(index)] as Record<string, unknown>)[key];
    return [{ at, problem: `\`${item}.${key}\` cannot be ${show(given)}`, fix: properties[key]?.description ?? "" }];
  });
  return problems.length === 0 ? [whole] : problems;
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, MAX_SHOWN) ?? "nothing";
}

/** The property names that a fault is about. */
function namesIn(params: object): readonly string[] {
  const lists = Object.values(params).filter((value) => Array.isArray(value));
  return lists.flat().map(String);
}
