import * as v from "valibot";
import { CidV0, Timestamp } from "../../shared/chain/transaction.ts";
import { canonicalBytes, parseCanonical } from "../../shared/crypto/canonical.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { KEY_WRITE_INTERVAL } from "../../shared/storage/limits.ts";
import { createOnly, replaceOnly } from "../../shared/storage/r2-tier.ts";

/**
 * `uploads/{documentId}.json`, written before anything is pinned: which pins there may be of a document that R2 does not
 * hold yet, and who is at work on it. One at a time, for one must not take back what another has just finished.
 */
const Upload = v.strictObject({
  /** Every CID that may have been pinned: the same envelope can come with several signatures. */
  cids: v.array(CidV0),
  /** When it was written. */
  at: Timestamp,
  /** Who holds it: a random id, null when it was let go. */
  holder: v.nullable(v.string()),
});
type Upload = v.InferOutput<typeof Upload>;

/**
 * Milliseconds after which a hold is no more. Who has it does nothing that another could suffer from but in the first half,
 * and what is begun then has ended before the second is over: each request has its deadline.
 */
export const HOLD = 10 * 60_000;

/** An upload that is ours until `HOLD` after `at`. */
export interface Hold extends Upload {
  readonly documentId: string;
  readonly holder: string;
  /** Nobody was at work on it before, whose pins and unpins may still be done late, though they failed. */
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
 * @returns undefined while another holds it
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

/** Whether nobody else has taken hold of it, or will within half of a hold's time. */
export async function isStillHeld(bucket: R2Bucket, hold: Hold, now: number): Promise<boolean> {
  if (now - hold.at > HOLD / 2) return false;
  return (await read(bucket, hold.documentId))?.upload.holder === hold.holder;
}

/** Lets others take hold of it; what may be pinned stays noted. R2 takes one write of a key a second, so it waits for that. */
export async function letGo(
  bucket: R2Bucket,
  { documentId, cids, holder, at }: Hold,
  { now, pause }: Clock,
): Promise<void> {
  await pause(Math.max(0, at + KEY_WRITE_INTERVAL - now()));
  const kept = await read(bucket, documentId);
  if (kept?.upload.holder !== holder) return; // another's by now
  await write(bucket, documentId, { cids, at: now(), holder: null }, kept.etag);
}

/** Nothing is left to be done about this document. Only for who still holds it. */
export async function forget(bucket: R2Bucket, { documentId }: Hold): Promise<void> {
  await bucket.delete(r2Keys.upload(documentId));
}

/** @returns when it was last written, and by whom it is held; undefined when there is none (any more) */
export async function findUpload(bucket: R2Bucket, documentId: string): Promise<Upload | undefined> {
  return (await read(bucket, documentId))?.upload;
}

async function read(bucket: R2Bucket, documentId: string): Promise<Kept | undefined> {
  const object = await bucket.get(r2Keys.upload(documentId));
  if (object === null) return undefined;
  const upload = parseCanonical(Upload, new Uint8Array(await object.arrayBuffer()));
  return { upload, etag: object.etag };
}

/** @param etag of the version in whose place it comes; undefined when there was none */
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
