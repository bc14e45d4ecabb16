export { authLog, readAuthLine } from "./auth-log.ts";
export { isAuthMessage } from "./read-auth-message.ts";
