/** What is wrong with one field of an input, and what to do. `field` is a dotted path with indexes, "" for the whole value. */
export interface Problem {
  readonly field: string;
  readonly problem: string;
  readonly fix: string;
}

const EXCERPT_CHARACTERS = 40;

/** The beginning of an offending value for a message: bounded, one line, control characters escaped. */
export function excerpt(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? typeof value);
  const cut = text.length > EXCERPT_CHARACTERS ? `${text.slice(0, EXCERPT_CHARACTERS)}…` : text;
  return JSON.stringify(cut.toWellFormed());
}

const FIELD_CHARACTERS = 120;

/** `["resources", "0", "id"]` as `resources[0].id`, bounded. */
export function dotted(path: readonly string[]): string {
  const text = path.map((step, i) => (/^\d+$/.test(step) ? `[${step}]` : `${i === 0 ? "" : "."}${step}`)).join("");
  return text.slice(0, FIELD_CHARACTERS).toWellFormed();
}
