export type { Patience } from "./log-client.ts";
export type { LogTransport, ServedObject } from "./log-transport.ts";
export { type VerifyUrlOptions, verifyUrl } from "./verify-url.ts";
