import * as v from "valibot";
import { CidV0, Timestamp } from "../../../shared/chain/transaction.ts";
import { canonicalBytes, parseCanonical } from "../../../shared/crypto/canonical.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { KEY_WRITE_INTERVAL } from "../../../shared/storage/limits.ts";
import { createOnly, replaceOnly } from "../../../shared/storage/r2-tier.ts";

/**
 * The record `uploads/{documentId}.json`, written before the document is pinned: the pins that a document may have before R2
 * holds it, and the request that works on it. Only one request works on a document at a time, because one must not take back what
 * another has just finished.
 */
const Upload = v.strictObject({
  /** Every CID that may have been pinned: the same envelope can come with several signatures. */
  cids: v.array(CidV0),
  /** When this record was written, in milliseconds since the epoch. */
  at: Timestamp,
  /** Random id of the request that holds the upload; null when it was let go. */
  holder: v.nullable(v.string()),
});
type Upload = v.InferOutput<typeof Upload>;

/**
 * Milliseconds after which a hold ends. Its holder begins nothing that could harm another holder after the first half, and
 * everything begun by then has ended before the second half is over: each request has its deadline.
 */
export const HOLD = 10 * 60_000;

/** An upload that this request holds until `HOLD` after `at`. */
export interface Hold extends Upload {
  readonly documentId: string;
  readonly holder: string;
  /** No earlier request worked on the upload. A failed pin or unpin of an earlier one could still land late. */
  readonly isFirst: boolean;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<void>;
}

interface Kept {
  readonly upload: Upload;
  readonly etag: string;
}

/**
 * Takes hold of a document's upload, and notes that it may be pinned under `cid`. Durable when it resolves.
 * @returns undefined while another request holds it
 */
export async function takeHold(
  bucket: R2Bucket,
  documentId: string,
  cid: string | undefined,
  now: number,
): Promise<Hold | undefined> {
  const kept = await read(bucket, documentId);
  if (kept !== undefined && kept.upload.holder !== null && now - kept.upload.at < HOLD) return undefined;
  const cids = [...new Set([...(kept?.upload.cids ?? []), ...(cid === undefined ? [] : [cid])])];
  const upload = { cids, at: now, holder: crypto.randomUUID() };
  const taken = await write(bucket, documentId, upload, kept?.etag);
  return taken ? { ...upload, documentId, isFirst: kept === undefined } : undefined;
}

/** Decides whether this request still holds the upload and will for another half of `HOLD`. */
export async function isStillHeld(bucket: R2Bucket, hold: Hold, now: number): Promise<boolean> {
  if (now - hold.at > HOLD / 2) return false;
  return (await read(bucket, hold.documentId))?.upload.holder === hold.holder;
}

/**
 * Lets other requests take hold of the upload; its CIDs stay noted. R2 takes one write of a key a second, so this waits for that.
 */
export async function letGo(
  bucket: R2Bucket,
  { documentId, cids, holder, at }: Hold,
  { now, pause }: Clock,
): Promise<void> {
  await pause(Math.max(0, at + KEY_WRITE_INTERVAL - now()));
  const kept = await read(bucket, documentId);
  if (kept?.upload.holder !== holder) return; // another request holds it by now
  await write(bucket, documentId, { cids, at: now(), holder: null }, kept.etag);
}

/** Deletes the record: the document is settled. Only the present holder may call this. */
export async function forget(bucket: R2Bucket, { documentId }: Hold): Promise<void> {
  await bucket.delete(r2Keys.upload(documentId));
}

/** Returns when the record was last written, and which request holds it; undefined when there is no record. */
export async function findUpload(bucket: R2Bucket, documentId: string): Promise<Upload | undefined> {
  return (await read(bucket, documentId))?.upload;
}

async function read(bucket: R2Bucket, documentId: string): Promise<Kept | undefined> {
  const object = await bucket.get(r2Keys.upload(documentId));
  if (object === null) return undefined;
  const upload = parseCanonical(Upload, new Uint8Array(await object.arrayBuffer()));
  return { upload, etag: object.etag };
}

/** @param etag of the version to replace; undefined when there is none */
function write(
  bucket: R2Bucket,
  documentId: string,
  upload: Upload,
  etag: string | undefined,
): Promise<boolean> {
  const key = r2Keys.upload(documentId);
  const bytes = canonicalBytes(upload);
  return etag === undefined ? createOnly(bucket, key, bytes) : replaceOnly(bucket, key, etag, bytes);
}
