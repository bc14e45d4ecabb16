export { formatPositions, type Positions, parsePositions } from "./positions.ts";
export { type TailEnd, type TailOptions, type TailOutcome, TailStream } from "./tail-stream.ts";
