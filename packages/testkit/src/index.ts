export { type BreakingProxy, startBreakingProxy } from "./breaking-proxy.ts";
export { checkOcsf } from "./check-ocsf.ts";
export { type DiskImage, DiskModel, type DiskStep, type Survival } from "./disk-model.ts";
export { type Fault, type FaultyCall, FaultyFileSystem } from "./faulty-file-system.ts";
export { findBrokenPromises, type Seen, type SeenEntry, type SeenHead } from "./find-broken-promises.ts";
export { freePort } from "./free-port.ts";
export { type Certificates, makeCertificates } from "./make-certificates.ts";
export { eventIdOf, makeDraft, makeFullDraft, makeIdentity } from "./make-draft.ts";
export { makeEvent } from "./make-event.ts";
export { type MadeStore, makeStore, storeFiles, withBlob } from "./make-store.ts";
export { openReceivingServer, type ReceivingServer } from "./open-receiving-server.ts";
export { makeRandom } from "./random.ts";
export { readParquet } from "./read-parquet.ts";
export { type PublishedOptions, readCheckpoint, readPublished } from "./read-published.ts";
export {
  openSmallLedger,
  type RecordedRun,
  recordRun,
  seenAfter,
  type WatchedLedger,
  writeKeys,
} from "./record-run.ts";
export { RecordingFileSystem, writeImage } from "./recording-file-system.ts";
export { type EvidentRun, type EvidentRunOptions, runEvident } from "./run-evident.ts";
export { type ServedStore, serveStore } from "./serve-store.ts";
export { startBrowser } from "./start-browser.ts";
export { type Acknowledged, type LoadOptions, type LoadOutcome, startLoad } from "./start-load.ts";
export { type PostgresOptions, type RunningPostgres, startPostgres } from "./start-postgres.ts";
export { buildS3Server, hasS3Server, type S3Server, startS3 } from "./start-s3.ts";
export { type Exit, type RunningServer, type ServerProcessOptions, spawnServer, startServer } from "./start-server.ts";
export { TamperedStore, type Tampering } from "./tampered-store.ts";
export { makeTemporaryDirectory } from "./temporary-directory.ts";
