/** A flag of a command. `summary` states unit and default; `value` is the placeholder shown in the help. */
export type Flag =
  | { readonly kind: "switch"; readonly summary: string; readonly short?: string }
  | { readonly kind: "text"; readonly summary: string; readonly value: string; readonly short?: string }
  | { readonly kind: "texts"; readonly summary: string; readonly value: string; readonly short?: string }
  | {
      readonly kind: "whole";
      readonly summary: string;
      readonly value: string;
      readonly least: number;
      readonly most: number;
      readonly short?: string;
    };

/** Flags by their name without dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends { readonly kind: "switch" }
  ? boolean
  : F extends { readonly kind: "texts" }
    ? readonly string[]
    : F extends { readonly kind: "whole" }
      ? number | undefined
      : string | undefined;

/** What was given: switches are false, lists empty and the rest undefined when absent. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** On every command. */
export const everyFlag = {
  json: { kind: "switch", summary: "Print the result as JSON on stdout, for programs." },
  help: { kind: "switch", short: "h", summary: "Show this help." },
} as const satisfies Flags;
