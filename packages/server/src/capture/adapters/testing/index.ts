export { readOne, record } from "./cloudtrail-sample.ts";
