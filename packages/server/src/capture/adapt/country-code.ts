/** ISO 3166-1 alpha-2 codes by English name in lower case; made on first use. */
let codes: ReadonlyMap<string, string> | undefined;

/** Names that differ from those of the Unicode data. */
const otherNames: Readonly<Record<string, string>> = {
  "united states of america": "US",
  "republic of korea": "KR",
  "korea, republic of": "KR",
  "russian federation": "RU",
  "viet nam": "VN",
  "czech republic": "CZ",
  turkey: "TR",
  "hong kong": "HK",
  "iran, islamic republic of": "IR",
  "taiwan, province of china": "TW",
};

function makeCodes(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");
  const made = new Map(Object.entries(otherNames));
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    // Codes that were replaced (`UK`, `DD`) have the name of their successor.
    if (new Intl.Locale(`und-${code}`).region !== code) continue;
    const name = names.of(code);
    if (name !== undefined && !made.has(name.toLowerCase())) made.set(name.toLowerCase(), code);
  }
  return made;
}

/** The code of a country that a source names by code or in English; undefined when it is not known. */
export function countryCode(country: string | undefined): string | undefined {
  if (country === undefined || country.length > 64) return undefined;
  if (/^[A-Z]{2}$/.test(country)) return country;
  codes ??= makeCodes();
  return codes.get(country.toLowerCase());
}
