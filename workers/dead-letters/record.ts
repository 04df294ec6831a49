import * as v from "valibot";
import { TxId } from "../../shared/chain/transaction.ts";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import { DeadLetterId, Dismissal, Failure } from "../../shared/dead-letters.ts";
import { STAGES } from "../../shared/pipeline.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";

/** What `dead-letters/{stage}/{id}.json` holds. Payloads stay as they were: encrypted, where they were encrypted. */
export const ParkedMessage = v.object({
  id: DeadLetterId,
  stage: v.picklist(STAGES),
  reason: v.string(),
  error: v.string(),
  txId: v.nullable(v.string()),
  blockNumber: v.nullable(v.number()),
  /** Times are milliseconds since the epoch. */
  firstSeen: v.number(),
  lastSeen: v.number(),
  /** The latest first, and no more than `history.ts` keeps. */
  failures: v.array(Failure),
  /** Of the failures before those; missing when there are none. */
  earlierAttempts: v.exactOptional(v.number()),
  /** Who had the envelope in it erased: of which transaction, when and why. */
  erased: v.exactOptional(v.strictObject({ txId: TxId, ...Dismissal.entries })),
  message: v.unknown(),
});
export type ParkedMessage = v.InferOutput<typeof ParkedMessage>;

/** All of a parked message but its payload; of that, whose envelope it is. */
export type ParkedFacts = Omit<ParkedMessage, "message"> & { readonly sealedTxId: string | null };

/** @throws Error for bytes that are not such a record */
export function recordFrom(bytes: Uint8Array): ParkedMessage {
  return v.parse(ParkedMessage, JSON.parse(fromUtf8(bytes)));
}

/** `undefined`: R2 says that it is gone. */
export async function readRecord(bucket: R2Bucket, key: string): Promise<ParkedMessage | undefined> {
  const bytes = await readObject(bucket, key);
  return bytes && recordFrom(bytes);
}

export function factsOf(parked: ParkedMessage): ParkedFacts {
  const { message, ...facts } = parked;
  return { ...facts, sealedTxId: sealedTxIdOf(message) };
}

const Sealed = v.object({ envelope: v.object({ txId: TxId }) });

/** The transaction whose envelope it is, which may be another than the one that the message names. */
function sealedTxIdOf(message: unknown): string | null {
  const sealed = v.safeParse(Sealed, message);
  return sealed.success ? sealed.output.envelope.txId : null;
}
