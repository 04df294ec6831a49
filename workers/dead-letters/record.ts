import * as v from "valibot";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import { DeadLetterId, Failure } from "../../shared/dead-letters.ts";
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
  message: v.unknown(),
});
export type ParkedMessage = v.InferOutput<typeof ParkedMessage>;

/** All of a parked message but its payload. */
export type ParkedFacts = Omit<ParkedMessage, "message">;

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
  const { message: _, ...facts } = parked;
  return facts;
}
