import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countNumber, MAX_GAPS, missingNumbers, type Sequence } from "./sequence.ts";

function countAll(numbers: readonly number[]): Sequence | undefined {
  let sequence: Sequence | undefined;
  for (const [i, number] of numbers.entries()) sequence = countNumber(sequence, number, i);
  return sequence;
}

describe("counting a sender's numbers", () => {
  it("knows exactly which numbers between the first and the last did not come, whatever the order", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 2, max: 80 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(numbers, (came) => {
        const sequence = countAll(came);
        const [least, most] = [Math.min(...came), Math.max(...came)];
        const missing = Array.from({ length: most - least + 1 }, (_, i) => least + i).filter((n) => !came.includes(n));
        const listed = (sequence?.gaps ?? []).flatMap(({ from, to }) =>
          Array.from({ length: to - from + 1 }, (_, i) => from + i),
        );
        expect(listed).toEqual(missing);
        expect(sequence).toMatchObject({ first: least, last: most, resets: 0 });
      }),
    );
  });

  it("takes a number that came before for nothing, and a beginning again for a reset", () => {
    expect(countAll([1, 2, 3, 2, 3])).toMatchObject({ first: 1, last: 3, gaps: [], resets: 0 });
    expect(countAll([1, 2, 3, 1, 2])).toMatchObject({ first: 1, last: 2, gaps: [], resets: 1 });
  });

  it("lists a bounded number of gaps and counts the rest", () => {
    const numbers = Array.from({ length: 200 }, (_, i) => 1 + i * 3);
    const sequence = countAll(numbers);
    expect(sequence?.gaps).toHaveLength(MAX_GAPS);
    expect(sequence === undefined ? 0 : missingNumbers(sequence)).toBe(199 * 2);
  });
});
