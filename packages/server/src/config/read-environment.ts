import { nearestName } from "@evident/core";
import { type ConfigField, configFields, isObjectList } from "./config-fields.ts";
import type { ConfigProblem, Setting, Source } from "./setting.ts";

/** Variables that begin like settings and are read elsewhere: by the client commands, at bootstrap, and by tests. */
const otherVariables: ReadonlySet<string> = new Set([
  "EVIDENT_BOOTSTRAP_KEY",
  "EVIDENT_CONFIG",
  "EVIDENT_KEY",
  "EVIDENT_SOAK",
  "EVIDENT_URL",
]);

/** Kubernetes sets these for a service named `evident` in every pod of its namespace. */
const serviceVariable = /^EVIDENT_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_|$)/;

/** Reads settings from `EVIDENT_*` variables. An empty one counts as absent; an unknown one is a problem. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>, directory: string): Source {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("EVIDENT_") || otherVariables.has(name) || serviceVariable.test(name)) continue;
    const field = configFields.find((each) => each.environment === name);
    if (field === undefined) {
      const nearest = nearestName(name, [...configFields.map((each) => each.environment), ...otherVariables]);
      problems.push({
        at: "environment",
        problem: `unknown variable \`${name.slice(0, 80)}\``,
        fix: `${nearest === undefined ? "" : `Did you mean \`${nearest}\`? `}docs/config.md lists all variables.`,
      });
    } else if (text !== undefined && text !== "") {
      settings.push({ path: field.path, value: parseText(field, text), at: name, directory });
    }
  }
  return { settings, problems };
}

/** Reads settings from flags, given as dotted path to text. */
export function readFlags(flags: Readonly<Record<string, string | undefined>>, directory: string): Source {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [path, text] of Object.entries(flags)) {
    if (text === undefined) continue;
    const field = configFields.find((each) => each.path === path);
    if (field === undefined) {
      const nearest = nearestName(
        path,
        configFields.map((each) => each.path),
      );
      const fix = nearest === undefined ? "docs/config.md lists all settings." : `Did you mean \`${nearest}\`?`;
      problems.push({ at: "flags", problem: `unknown setting \`${path}\``, fix });
    } else {
      settings.push({ path, value: parseText(field, text), at: field.flag, directory });
    }
  }
  return { settings, problems };
}

/** Text that is no number stays text, so that the schema's verdict names it as it was given. */
function parseText(field: ConfigField, text: string): unknown {
  if (field.schema.type === "integer") return /^\d{1,16}$/.test(text.trim()) ? Number(text) : text;
  if (isObjectList(field)) return parseJsonText(text);
  if (field.schema.type === "array") {
    return text
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "");
  }
  return text;
}

function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
