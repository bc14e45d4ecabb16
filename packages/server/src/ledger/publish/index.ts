export { Publisher, type PublisherOptions } from "./publisher.ts";
