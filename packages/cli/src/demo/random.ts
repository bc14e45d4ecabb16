const HEX4: readonly string[] = Array.from({ length: 0x10000 }, (_, value) => value.toString(16).padStart(4, "0"));

/** A repeatable stream of numbers (sfc32). The same seed always gives the same stream; not for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 12; round += 1) this.word();
  }

  /** 32 bits. */
  word(): number {
    const mixed = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + mixed;
    return mixed >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Small numbers often, large ones seldom: as people's things are used. In [0, end). */
  skewed(end: number): number {
    return Math.floor(end ** this.unit()) - 1;
  }

  chance(part: number): boolean {
    return this.unit() < part;
  }

  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number] {
    return items[this.below(items.length)] ?? items[0];
  }

  /** `4 * quarters` hex digits. */
  hex(quarters: number): string {
    let text = "";
    for (let quarter = 0; quarter < quarters; quarter += 2) {
      const word = this.word();
      text += HEX4[word >>> 16] ?? "";
      if (quarter + 1 < quarters) text += HEX4[word & 0xffff] ?? "";
    }
    return text;
  }
}
