// Σ at the end of a word is the one place where lower-casing depends on its neighbours; one sigma makes
// fold(a + b) = fold(a) + fold(b), which prefilters over parts of a text rely on.
const finalSigma = /ς/g;

/** Text as it is compared: lower case by Unicode's locale-free mapping, final sigma as sigma. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes("ς") ? lower.replace(finalSigma, "σ") : lower;
}
