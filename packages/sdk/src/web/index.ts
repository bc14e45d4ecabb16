export { watchBody } from "./watch-body.ts";
