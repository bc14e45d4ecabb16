export {
  type Checkpoint,
  type CheckpointKeys,
  formatCheckpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from "./checkpoint.ts";
export {
  cosignatureV1Message,
  type SignatureVerdict,
  type Subtree,
  subtreeMessage,
  timedSignature,
  verifyCheckpointSignature,
} from "./cosignature.ts";
export { formatNote, formatSignature, type Note, type NoteSignature, noteLimits, parseNote } from "./note.ts";
export { formatProof, type Proof, parseProof } from "./proof.ts";
export {
  formatVerifierKey,
  isKeyName,
  keyId,
  noteKeyTypes,
  parseVerifierKey,
  type VerifierKey,
} from "./verifier-key.ts";
