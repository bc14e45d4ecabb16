/** Edits (insert, delete, replace, swap of neighbours) between two short names. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

const MAX_NAME_LENGTH = 100;

/** The known name that looks most like `name`, ignoring case, dots and dashes; undefined when there are none. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.slice(0, MAX_NAME_LENGTH).toLowerCase().replaceAll(/[-_.]/g, "");
  const wanted = plain(name);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const each of known) {
    const distance = editDistance(wanted, plain(each));
    if (distance < bestDistance) {
      best = each;
      bestDistance = distance;
    }
  }
  return best;
}
