export * from "./crypto/index.ts";
export * from "./encoding/index.ts";
export * from "./errors/index.ts";
export * from "./formats/index.ts";
export * from "./note/index.ts";
export * from "./predicate/index.ts";
export * from "./tree/index.ts";
export * from "./verify/index.ts";
