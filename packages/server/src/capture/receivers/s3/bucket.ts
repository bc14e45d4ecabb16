import type { Readable } from "node:stream";
import type { S3Receiver } from "../../../config/index.ts";

const CONNECT_MS = 5_000;
const IDLE_MS = 60_000;
const ATTEMPTS = 4;

/** An object as a listing names it. */
export interface ListedObject {
  readonly key: string;
  /** Without quotation marks. Another content has another one. */
  readonly etag: string;
  /** Unix ms. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

/** One page of a listing. */
export interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** With a delimiter: the folders of the level. */
  readonly folders: readonly string[];
  /** Where the next page begins; absent on the last. */
  readonly next?: string;
}

/** What the receiver needs of a bucket. */
export interface Bucket {
  list(
    prefix: string,
    options: { readonly byFolder: boolean; readonly next?: string },
    signal: AbortSignal,
  ): Promise<ListedPage>;
  /** The bytes of an object as it was listed; rejects when it has changed since. */
  open(object: ListedObject, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  close(): void;
}

/**
 * Opens a bucket. The client takes credentials from where AWS' own tools take them, renews them, signs requests (Signature V4) and repeats
 * what fails for a moment; it is loaded only where a bucket is configured.
 */
export async function openBucket(receiver: S3Receiver): Promise<Bucket> {
  const { S3Client, ListObjectsV2Command, GetObjectCommand } = await import("@aws-sdk/client-s3");
  const { bucket: Bucket, region, endpoint, forcePathStyle } = receiver;
  const client = new S3Client({
    region,
    forcePathStyle,
    maxAttempts: ATTEMPTS,
    // Other services than AWS know neither the newer checksums nor requests for them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return {
    async list(prefix, { byFolder, next }, abortSignal) {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: prefix,
          ...(byFolder ? { Delimiter: "/" } : {}),
          ...(next === undefined ? {} : { ContinuationToken: next }),
        }),
        { abortSignal },
      );
      const objects = (page.Contents ?? []).map(({ Key = "", ETag = "", LastModified, Size = 0 }) => ({
        key: Key,
        etag: ETag.replaceAll('"', ""),
        modifiedMs: LastModified?.getTime() ?? 0,
        sizeBytes: Size,
      }));
      const folders = (page.CommonPrefixes ?? []).flatMap((folder) => folder.Prefix ?? []);
      const { NextContinuationToken: following } = page;
      return { objects, folders, ...(following === undefined ? {} : { next: following }) };
    },
    async open({ key, etag }, abortSignal) {
      const answer = await client.send(new GetObjectCommand({ Bucket, Key: key, IfMatch: `"${etag}"` }), {
        abortSignal,
      });
      return (answer.Body as Readable | undefined) ?? nothing();
    },
    close: () => client.destroy(),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
