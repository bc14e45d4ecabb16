/** Edits between two short names: insert, delete, replace, swap of neighbours. Above `limit` the answer is only "more". */
function distance(left: string, right: string, limit: number): number {
  let twoBefore: number[] = [];
  let before = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let row = 1; row <= left.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      let least = Math.min((before[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1, (before[column - 1] ?? 0) + change);
      const isSwap = row > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwap) least = Math.min(least, (twoBefore[column - 2] ?? 0) + 1);
      line.push(least);
    }
    if (Math.min(...line) > limit) return limit + 1;
    twoBefore = before;
    before = line;
  }
  return before[right.length] ?? limit + 1;
}

const plain = (name: string): string => name.slice(0, 100).toLowerCase().replaceAll(/[-_.]/g, "");

/** The candidate that somebody may have meant, ignoring case, dots and dashes; undefined when none is near. */
export function nearestName(written: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(written);
  let limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let begins: string | undefined;
  for (const name of candidates) {
    const known = plain(name);
    if (wanted.length > 2 && known.startsWith(wanted)) begins ??= name;
    const found = distance(wanted, known, limit);
    if (found > limit || (found === limit && best !== undefined)) continue;
    best = name;
    limit = found;
  }
  return best ?? begins;
}
