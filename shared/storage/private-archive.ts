import * as v from "valibot";
import { SEALED_NAMES } from "../chain/sealed-names.ts";
import type { Transaction } from "../chain/transaction.ts";
import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import { Envelope } from "../crypto/envelope.ts";
import { equalBytes, fromUtf8 } from "../crypto/bytes.ts";
import { r2Keys } from "./layout.ts";
import { createOnly, readObject, replaceOnly } from "./r2-tier.ts";

/**
 * The contents of `private/{n}.json`: the envelopes of a block's transactions by their ids, still encrypted. `missing`:
 * ids whose envelope did not exist when the block was archived. `erased`: ids whose envelope was removed on request. The
 * object stays, so that a later archiving cannot add them again.
 */
export const PrivateArchive = v.object({
  blockNumber: v.number(),
  /** Unknown values, so that a damaged envelope does not keep the others from being shown or erased. */
  envelopes: v.record(v.string(), v.unknown()),
  missing: v.array(v.string()),
  erased: v.exactOptional(v.array(v.string())),
});
export type PrivateArchive = v.InferOutput<typeof PrivateArchive>;

/** The bytes of an archive. An archive from which nothing was erased has no list of erased ids: it has one form. */
export function archiveBytes({ erased = [], ...archive }: PrivateArchive): Uint8Array<ArrayBuffer> {
  return canonicalBytes((erased.length > 0 ? { ...archive, erased } : archive) as Json);
}

/** `undefined` when R2 has no archive of this block. */
export async function readPrivateArchive(
  bucket: R2Bucket,
  blockNumber: number,
): Promise<PrivateArchive | undefined> {
  const bytes = await readObject(bucket, r2Keys.private(blockNumber));
  return bytes && v.parse(PrivateArchive, JSON.parse(fromUtf8(bytes)));
}

/**
 * Decides whether the value is an envelope that was sealed as the transaction's. Only the system's key shows whether it
 * opens.
 */
export function isEnvelopeOf(txId: string, value: unknown): value is Envelope {
  return v.is(Envelope, value) && value.txId === SEALED_NAMES.transaction(txId);
}

/**
 * Transactions of a block that commit to a private part whose envelope is not in the archive. An erased one does not
 * count: the archive lists its id instead.
 * @param archive `undefined` when R2 has no archive of the block
 */
export function missingPrivateParts(
  { transactions }: { readonly transactions: readonly Pick<Transaction, "id" | "privateCommitment">[] },
  archive: PrivateArchive | undefined,
): readonly string[] {
  return transactions
    .filter(({ privateCommitment }) => privateCommitment !== undefined)
    .map(({ id }) => id)
    .filter((id) => archive?.erased?.includes(id) !== true && !isEnvelopeOf(id, archive?.envelopes[id]));
}

/** Adds the envelopes that the archive lacks from a copy. Its own envelopes stay, and erased ones stay erased. */
export function completedArchive(archive: PrivateArchive, copy: PrivateArchive): PrivateArchive {
  const erased = archive.erased ?? [];
  const lacks = (txId: string) => !erased.includes(txId) && !isEnvelopeOf(txId, archive.envelopes[txId]);
  const added = Object.entries(copy.envelopes).filter(([txId]) => lacks(txId));
  const alsoErased = (copy.erased ?? []).filter(lacks);
  const allErased = [...erased, ...alsoErased].toSorted();
  const envelopes = { ...archive.envelopes, ...Object.fromEntries(added) };
  const missing = [...new Set([...archive.missing, ...copy.missing])];
  return {
    blockNumber: archive.blockNumber,
    envelopes,
    missing: missing.filter((txId) => envelopes[txId] === undefined && !allErased.includes(txId)),
    erased: allErased,
  };
}

const MOST_TRIES = 10;

/**
 * Writes a copy of a block's archive, or the envelopes that the present one lacks.
 * @returns whether anything was written
 */
export async function restoreArchive(bucket: R2Bucket, copy: PrivateArchive): Promise<boolean> {
  const key = r2Keys.private(copy.blockNumber);
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) {
      if (await createOnly(bucket, key, archiveBytes(copy))) return true;
      continue;
    }
    const present = new Uint8Array(await object.arrayBuffer());
    const completed = archiveBytes(completedArchive(archiveIn(present) ?? emptyArchive(copy), copy));
    if (equalBytes(completed, present)) return false;
    if (await replaceOnly(bucket, key, object.etag, completed)) return true;
  }
  throw new Error(`${key} is changed all the time: try again`);
}

function emptyArchive({ blockNumber }: PrivateArchive): PrivateArchive {
  return { blockNumber, envelopes: {}, missing: [] };
}

/** `undefined` when these bytes are not an archive. */
export function archiveIn(bytes: Uint8Array): PrivateArchive | undefined {
  try {
    const parsed = v.safeParse(PrivateArchive, JSON.parse(fromUtf8(bytes)));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // the bytes are not JSON or not UTF-8
  }
}

/**
 * Removes a transaction's envelope from its block's archive, for good. Erasures that run at the same time do not undo
 * each other. A block without an archive gets one, so that no later archive can hold the envelope.
 */
export async function eraseFromArchive(bucket: R2Bucket, blockNumber: number, txId: string): Promise<void> {
  const key = r2Keys.private(blockNumber);
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) {
      const empty = { blockNumber, envelopes: {}, missing: [], erased: [txId] };
      if (await createOnly(bucket, key, archiveBytes(empty))) return;
      continue;
    }
    const archive = v.parse(PrivateArchive, await object.json());
    const { erased = [] } = archive;
    if (erased.includes(txId) && archive.envelopes[txId] === undefined) return;
    const { [txId]: _, ...envelopes } = archive.envelopes;
    const rest = { ...archive, envelopes, erased: [...new Set([...erased, txId])].toSorted() };
    if (await replaceOnly(bucket, key, object.etag, archiveBytes(rest))) return;
  }
  throw new Error(`${key} is changed all the time: try again`);
}
