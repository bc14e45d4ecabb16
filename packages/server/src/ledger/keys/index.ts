export { type CheckpointKey, KeyFiles } from "./key-files.ts";
export type { ShownHead } from "./shown-heads.ts";
export {
  type CheckpointSigner,
  type HeadToSign,
  makeCheckpointSigner,
  makeSigner,
  type Signer,
  snapshotMessage,
} from "./signer.ts";
