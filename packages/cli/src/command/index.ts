export { type Call, type Command, defineCommand, type Io, type Operands } from "./command.ts";
export { everyFlag, type Flag, type Flags, type FlagValues } from "./flags.ts";
export { parseFlags } from "./parse-flags.ts";
export { renderExits, renderHelp, renderOverview } from "./render-help.ts";
