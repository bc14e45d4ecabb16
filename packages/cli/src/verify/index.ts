export { findTarget, keysOfStore, type Target } from "./find-target.ts";
export { httpTransport } from "./http-transport.ts";
export { printReport } from "./print-report.ts";
export { type GivenKeys, readKeys } from "./read-keys.ts";
export { chooseRememberFile } from "./remember-file.ts";
