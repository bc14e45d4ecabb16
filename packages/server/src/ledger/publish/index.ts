export { checkRotationNote } from "./finish-rotation.ts";
export { Publisher, type PublisherOptions } from "./publisher.ts";
