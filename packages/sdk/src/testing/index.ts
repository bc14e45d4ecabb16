export { createTestEvident, ExpectationError, type Part, type TestEvident } from "./test-evident.ts";
