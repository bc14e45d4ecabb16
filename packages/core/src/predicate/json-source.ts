// TypeScript's library does not know the JSON source text proposal yet; Node 26 and current browsers do.
interface SourceJson {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

const json = JSON as unknown as SourceJson;

/** A number kept as its source text, which `JSON.stringify` writes back unchanged. */
export function rawNumber(source: string): object {
  return json.rawJSON(source);
}

/** Whether a parsed value is a number kept as its source text. */
export function isRawNumber(value: unknown): value is { readonly rawJSON: string } {
  return json.isRawJSON(value);
}
