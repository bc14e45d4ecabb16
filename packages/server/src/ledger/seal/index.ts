export { finishSeals } from "./finish-seals.ts";
export { type FileToSeal, Sealer, type SealerOptions } from "./sealer.ts";
