export { type CheckpointKey, KeyFiles } from "./key-files.ts";
export {
  type CheckpointSigner,
  type HeadToSign,
  makeCheckpointSigner,
  makeSigner,
  type Signer,
  snapshotMessage,
} from "./signer.ts";
