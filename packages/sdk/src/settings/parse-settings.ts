import { SdkError } from "../errors/index.ts";

const wrong = (what: string, fix: string): SdkError => new SdkError("config_invalid", what, fix);

/** The address without a path's end. @throws SdkError */
export function parseUrl(url: string | undefined): string {
  const parsed = URL.canParse(url ?? "") ? new URL(url ?? "") : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw wrong(
      url === undefined ? "url is missing" : `url cannot be ${JSON.stringify(url)}`,
      "Give the server's address, or set EVIDENT_URL.",
    );
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

/** @throws SdkError when there is none */
export function parseKey(key: string | undefined): string {
  if (key === undefined || key === "" || /[^!-~]/.test(key))
    throw wrong("key is missing or holds what no key holds", "Give a producer's API key, or set EVIDENT_KEY.");
  return key;
}

/** A whole number within bounds. @throws SdkError */
export function parseNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  const number = value ?? fallback;
  if (!Number.isInteger(number) || number < least || number > most)
    throw wrong(`${name} cannot be ${String(number)}`, `Give a whole number from ${least} to ${most}.`);
  return number;
}

/** A name of the event schema. @throws SdkError */
export function parseName(name: string, value: string | undefined): string {
  if (typeof value !== "string" || value === "" || value === "-" || value.length > 128)
    throw wrong(`${name} cannot be ${JSON.stringify(value)}`, "Give a name of 1 to 128 characters.");
  return value;
}

/** @throws SdkError for a key that could be guessed */
export function parseDigestKey(key: string | Uint8Array | undefined): string | Uint8Array | undefined {
  if (key !== undefined && key.length < 16)
    throw wrong(
      "digestKey is shorter than 16 bytes",
      "Give a random secret, for example from `openssl rand -base64 32`.",
    );
  return key;
}
