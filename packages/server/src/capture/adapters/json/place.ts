import { type Document, isCollection, isMap, isNode, type LineCounter } from "yaml";

/** What is wrong with a mapping, where, and what to do. */
export interface MappingProblem {
  /** From 1; of a mapping that was given as an object, 0. */
  readonly line: number;
  readonly column: number;
  /** Dotted path in the mapping: `action.op.table.login`. */
  readonly field: string;
  readonly problem: string;
  readonly fix: string;
}

interface Source {
  readonly document: Document | undefined;
  readonly lines: LineCounter | undefined;
  readonly problems: MappingProblem[];
}

const MAX_PROBLEMS = 50;

/** A place in a mapping while it is compiled: knows its line, and takes note of problems. */
export class Place {
  readonly #source: Source;
  readonly #path: readonly (string | number)[];

  constructor(source: Source, path: readonly (string | number)[] = []) {
    this.#source = source;
    this.#path = path;
  }

  at(step: string | number): Place {
    return new Place(this.#source, [...this.#path, step]);
  }

  get field(): string {
    return this.#path
      .map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`))
      .join("");
  }

  report(problem: string, fix: string): undefined {
    const { problems } = this.#source;
    if (problems.length < MAX_PROBLEMS) problems.push({ ...this.#position(), field: this.field, problem, fix });
    return undefined;
  }

  /** Where the key stands, or the nearest place around it that the text has. */
  #position(): { readonly line: number; readonly column: number } {
    const { document, lines } = this.#source;
    if (document === undefined || lines === undefined) return { line: 0, column: 0 };
    for (let length = this.#path.length; length > 0; length -= 1) {
      const offset = offsetOf(document, this.#path.slice(0, length));
      if (offset === undefined) continue;
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    }
    return { line: 1, column: 1 };
  }
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => String(isNode(key) ? key.toString() : key) === String(last));
    const key: unknown = pair?.key;
    return isNode(key) ? (key.range?.[0] ?? undefined) : undefined;
  }
  if (!isCollection(parent)) return undefined;
  const item: unknown = parent.get(last, true);
  return isNode(item) ? item.range?.[0] : undefined;
}
