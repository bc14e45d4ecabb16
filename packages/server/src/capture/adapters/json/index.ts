export { json } from "./json.ts";
export { mappingJsonSchema } from "./mapping-schema.ts";
export { type ParsedMapping, parseMapping } from "./parse-mapping.ts";
export type { MappingProblem } from "./place.ts";
