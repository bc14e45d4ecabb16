const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** An object or array that is open at some place of the text. */
interface Open {
  /** Keys seen so far; absent for an array. */
  readonly keys?: Set<string>;
  /** The key or index whose value is being read. */
  at: string | number;
}

/** Place behind the string that begins at `from`. A loop, because a pattern would need a stack as long as the string. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === BACKSLASH) at += 1;
    else if (character === QUOTE) return at + 1;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text[at] ?? "")) at += 1;
  return text[at] === ":";
}

/**
 * The path of the first key that stands twice in one object of a valid JSON text, ending with that key; undefined when there is none.
 * Linear in the text.
 */
export function findDuplicateKey(text: string): readonly string[] | undefined {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    const inner = open.at(-1);
    if (character === "{") open.push({ keys: new Set(), at: "" });
    else if (character === "[") open.push({ at: 0 });
    else if (character === "}" || character === "]") open.pop();
    else if (character === "," && typeof inner?.at === "number") inner.at += 1;
    else if (character === '"') {
      const end = endOfString(text, at);
      if (inner?.keys !== undefined && isKey(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (inner.keys.has(key)) return [...open.slice(0, -1).map((each) => String(each.at)), key];
        inner.keys.add(key);
        inner.at = key;
      }
      at = end - 1;
    }
  }
  return undefined;
}
