export type { BodyChunk, BodyLimits, BodyLine, BodyShape } from "./body-line.ts";
export { type BodyOptions, decodeBody } from "./decode-body.ts";
