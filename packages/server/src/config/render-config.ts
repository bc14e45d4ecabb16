import { type ConfigField, configFields, configSections, type FieldSchema } from "./config-fields.ts";

/** One flag of `serve` per setting, from the schema. */
export const configFlags: readonly { readonly flag: string; readonly path: string; readonly description: string }[] =
  configFields.map(({ flag, path, schema }) => ({ flag, path, description: schema.description ?? "" }));

const INTRODUCTION = `# Configuration

<!-- Generated from packages/server/src/config/config-schema.ts by scripts/generate-docs.ts: change the schema, not this page. -->

Nothing needs to be configured. Settings come from four places; each overrides the one before:

1. the defaults
2. \`evident.yaml\` in the working directory, or the file named by \`--config\` or \`EVIDENT_CONFIG\`; \`evident init\` writes a
   commented one. Relative paths in it start from its own directory
3. environment variables
4. flags of \`evident serve\`

An unknown key or variable, a bad value, or a mistake in the file stops start-up with the file, the line and the fix. Lists are
separated by commas in variables and flags; lists of objects are JSON there.

\`EVIDENT_BOOTSTRAP_KEY\` gives the first start an administrator's API key (\`evk_<id>_<secret>\`) instead of having one made; it is
no setting, so that it is in no file. \`EVIDENT_URL\` and \`EVIDENT_KEY\` are read by the client commands.
`;

function describeDefault({ schema }: ConfigField): string {
  if (schema.default === undefined) return "none";
  return `\`${JSON.stringify(schema.default)}\``;
}

function describeRange(field: { readonly schema: FieldSchema }): string {
  const { schema } = field;
  if (schema.items?.properties !== undefined) return "list of objects";
  if (schema.enum !== undefined) return schema.enum.join(", ");
  if (schema.type === "boolean") return "true, false";
  if (schema.type === "object") return "object";
  if (schema.type !== "integer") return schema.type === "array" ? "list of texts" : "text";
  const multiple = schema.multipleOf === undefined ? "" : `, multiple of ${schema.multipleOf}`;
  return `${schema.minimum ?? 0} to ${schema.maximum ?? "any"}${multiple}`;
}

/** The keys of the objects that a list holds. */
function renderMembers({ schema }: ConfigField): string[] {
  const { properties = {}, required = [] } = schema.items ?? {};
  const rows = Object.entries(properties).map(([name, member]) => {
    const isNeeded = required.includes(name) && member.default === undefined;
    const text = (member.description ?? "").replaceAll("|", "\\|");
    return `| \`${name}\` | ${isNeeded ? "needed" : ""} | ${describeRange({ schema: member })} | ${text} |`;
  });
  return rows.length === 0 ? [] : ["| key | | values | |", "|---|---|---|---|", ...rows, ""];
}

function renderField(field: ConfigField): string {
  return [
    `### \`${field.path}\``,
    "",
    field.schema.description ?? "",
    "",
    `| default | values | variable | flag |`,
    `|---|---|---|---|`,
    `| ${describeDefault(field)} | ${describeRange(field)} | \`${field.environment}\` | \`${field.flag}\` |`,
    "",
    ...renderMembers(field),
  ].join("\n");
}

/** The text of `docs/config.md`. */
export function renderConfigDocs(): string {
  const parts = [INTRODUCTION, "## General\n"];
  parts.push(...configFields.filter((field) => field.section === undefined).map(renderField));
  for (const [section, description] of configSections) {
    parts.push(`## ${section}\n\n${description}\n`);
    parts.push(...configFields.filter((field) => field.section === section).map(renderField));
  }
  return `${parts.join("\n").trimEnd()}\n`;
}

const COMMENT_WIDTH = 100;

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > COMMENT_WIDTH && line !== `${indent}#`) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function renderCommentedField(field: ConfigField, indent: string): string[] {
  const name = field.path.split(".").at(-1) ?? "";
  const value = field.schema.default === undefined ? "" : JSON.stringify(field.schema.default);
  return [...wrap(field.schema.description ?? "", indent), `${indent}#${name}: ${value}`.trimEnd(), ""];
}

/** A configuration file with every setting commented out at its default, for `evident init`. */
export function renderCommentedConfig(): string {
  const lines = [
    "# Evident. Every setting with its default; take the # away to change one. Same text: docs/config.md",
    "",
  ];
  for (const field of configFields) if (field.section === undefined) lines.push(...renderCommentedField(field, ""));
  for (const [section, description] of configSections) {
    lines.push(...wrap(description, ""), `${section}:`);
    for (const field of configFields) if (field.section === section) lines.push(...renderCommentedField(field, "  "));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
