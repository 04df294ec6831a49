import * as v from "valibot";
import { canonicalBytes, type Json } from "../../../shared/crypto/canonical.ts";
import { PendingTransaction } from "../../../shared/queue/messages.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { replaceOnly } from "../../../shared/storage/r2-tier.ts";
import { dismissErased, lettersOf, rememberErased, type ErasedEnvelope } from "./erased.ts";
import { recordFrom, type ParkedMessage } from "./record.ts";
import type { Store } from "../store.ts";

/**
 * Deletes a transaction's envelopes from its dead letters, for good. The failures, their times and their reasons stay. The index
 * remembers the erasure first, so that a letter that comes meanwhile or later loses its envelope too.
 * @returns keys of the records that held an envelope, also if it was erased before
 */
export async function eraseLetters(
  store: Store,
  { R2 }: { readonly R2: R2Bucket },
  erasure: ErasedEnvelope,
): Promise<string[]> {
  const { erased, letters } = store.decide(() => {
    const erased = rememberErased(store.sql, erasure);
    dismissErased(store.sql, erased);
    return { erased, letters: lettersOf(store.sql, erased.txId) };
  });
  const held = await mapConnections(letters, async ({ stage, id }) => {
    const key = r2Keys.deadLetter(stage, id);
    return (await eraseRecord(R2, key, erased)) ? [key] : [];
  });
  return held.flat().toSorted();
}

const MOST_TRIES = 5;

/**
 * Deletes the envelope from one record.
 * @returns whether the record holds an envelope, or did before it was erased
 */
export async function eraseRecord(bucket: R2Bucket, key: string, erased: ErasedEnvelope): Promise<boolean> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const object = await bucket.get(key);
    if (object === null) return false;
    const record = recordFrom(new Uint8Array(await object.arrayBuffer()));
    const stripped = withoutEnvelope(record, erased);
    if (record.erased !== undefined) return isStripped(record.message);
    if (await replaceOnly(bucket, key, object.etag, canonicalBytes(stripped as unknown as Json)))
      return isStripped(stripped.message);
  }
  throw new Error(`${key} is changed all the time: try again`);
}

/** Stands in the record in place of the envelope. */
const ERASED = "erased";

function isStripped(message: unknown): boolean {
  return v.is(v.object({ envelope: v.literal(ERASED) }), message);
}

const { txId, timestamp, size, pays } = PendingTransaction.entries;
const POINTER = v.strictObject({
  v: v.optional(v.number()),
  txId: v.optional(txId),
  timestamp: v.optional(timestamp),
  size: v.optional(size),
  pays,
});

/** Keeps only the members of the message that point to the transaction: any other member may be part of the envelope. */
function withoutEnvelope(record: ParkedMessage, erased: ErasedEnvelope): ParkedMessage {
  const { message } = record;
  const members = typeof message === "object" && message !== null ? Object.entries(message) : [];
  const kept = members.filter(([name, value]) => v.is(POINTER, { [name]: value }));
  const isPointer = members.length > 0 && kept.length === members.length;
  return {
    ...record,
    message: isPointer ? message : { ...Object.fromEntries(kept), envelope: ERASED },
    erased: { ...erased },
  };
}
