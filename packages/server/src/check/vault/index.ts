export { type SealedBlob, Vault } from "./vault.ts";
