export { type Act, type Caller, ReadLog } from "./read-log.ts";
