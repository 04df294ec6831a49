import * as v from "valibot";
import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import { fromUtf8 } from "../crypto/bytes.ts";
import { r2Keys } from "./layout.ts";
import { createOnly, readObject, replaceOnly } from "./r2-tier.ts";

/**
 * What `private/{n}.json` holds: the envelopes of a block's transactions by their ids, still encrypted. `missing`: not there
 * when the block was archived. `erased`: removed on request; the object stays, so that nothing archives them again.
 */
export const PrivateArchive = v.object({
  blockNumber: v.number(),
  /** One that is damaged must not keep the others from being shown or erased. */
  envelopes: v.record(v.string(), v.unknown()),
  missing: v.array(v.string()),
  erased: v.exactOptional(v.array(v.string())),
});
export type PrivateArchive = v.InferOutput<typeof PrivateArchive>;

export function archiveBytes(archive: PrivateArchive): Uint8Array<ArrayBuffer> {
  return canonicalBytes(archive as Json);
}

/** `undefined`: R2 has none of this block. */
export async function readPrivateArchive(
  bucket: R2Bucket,
  blockNumber: number,
): Promise<PrivateArchive | undefined> {
  const bytes = await readObject(bucket, r2Keys.private(blockNumber));
  return bytes && v.parse(PrivateArchive, JSON.parse(fromUtf8(bytes)));
}

const MOST_TRIES = 10;

/**
 * Removes a transaction's envelope from its block's archive, for good. What others erase at the same moment stays erased.
 * A block without an archive gets one, so that none is made later with it.
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
