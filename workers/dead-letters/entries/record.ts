import * as v from "valibot";
import { TxId } from "../../../shared/chain/transaction.ts";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { DeadLetterId, Dismissal, Failure } from "../../../shared/api/dead-letters.ts";
import { STAGES } from "../../../shared/pipeline.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";

/** The contents of `dead-letters/{stage}/{id}.json`. Encrypted payloads stay encrypted. */
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
  /** The latest first; `history.ts` limits their number. */
  failures: v.array(Failure),
  /** Attempts of earlier failures that are not kept; absent when there are none. */
  earlierAttempts: v.exactOptional(v.number()),
  /** The erasure of the record's envelope: of which transaction, by whom, when and why. */
  erased: v.exactOptional(v.strictObject({ txId: TxId, ...Dismissal.entries })),
  message: v.unknown(),
});
export type ParkedMessage = v.InferOutput<typeof ParkedMessage>;

/** A parked message without its payload, but with the id of the transaction whose envelope the payload holds. */
export type ParkedFacts = Omit<ParkedMessage, "message"> & { readonly sealedTxId: string | null };

/** @throws Error for bytes that are not such a record */
export function recordFrom(bytes: Uint8Array): ParkedMessage {
  return v.parse(ParkedMessage, JSON.parse(fromUtf8(bytes)));
}

/** Reads a record; `undefined` when R2 says that it does not exist. */
export async function readRecord(bucket: R2Bucket, key: string): Promise<ParkedMessage | undefined> {
  const bytes = await readObject(bucket, key);
  return bytes && recordFrom(bytes);
}

export function factsOf(parked: ParkedMessage): ParkedFacts {
  const { message, ...facts } = parked;
  return { ...facts, sealedTxId: sealedTxIdOf(message) };
}

const Sealed = v.object({ envelope: v.object({ txId: TxId }) });

/** Id of the transaction whose envelope the message holds. It may differ from the id that the message names. */
function sealedTxIdOf(message: unknown): string | null {
  const sealed = v.safeParse(Sealed, message);
  return sealed.success ? sealed.output.envelope.txId : null;
}
