export { postgresql } from "./postgresql.ts";
