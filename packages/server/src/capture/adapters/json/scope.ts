/**
 * What a compiled mapping reads from: the record, the element of `each` (else the record), the warnings so far, and the system's name,
 * which stands for namespaces that the mapping does not give.
 */
export interface Scope {
  readonly root: unknown;
  readonly node: unknown;
  readonly warnings: Set<string>;
  readonly system: string;
}

/** Reads one value; undefined when the record says nothing. */
export type Read = (scope: Scope) => unknown;

/** Reads any number of values. */
export type ReadList = (scope: Scope) => readonly unknown[];

export type Test = (scope: Scope) => boolean;
