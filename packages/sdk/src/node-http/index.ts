export { headerOf, peerOf, watchResponse } from "./watch-response.ts";
