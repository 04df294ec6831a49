import type { Failure } from "../../shared/dead-letters.ts";
import type { Json } from "../../shared/crypto/canonical.ts";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import type { StageName } from "../../shared/pipeline.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";

/** What `dead-letters/{stage}/{id}.json` holds. Payloads stay as they were: encrypted, where they were encrypted. */
export interface ParkedMessage {
  readonly id: string;
  readonly stage: StageName;
  readonly reason: string;
  readonly error: string;
  readonly txId: string | null;
  readonly blockNumber: number | null;
  /** Times are milliseconds since the epoch. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** The latest first, and no more than `history.ts` keeps. */
  readonly failures: readonly Failure[];
  /** Of the failures before those; missing when there are none. */
  readonly earlierAttempts?: number;
  readonly message: Json;
}

/** All of a parked message but its payload. */
export type ParkedFacts = Omit<ParkedMessage, "message">;

export function recordFrom(bytes: Uint8Array): ParkedMessage {
  return JSON.parse(fromUtf8(bytes)) as ParkedMessage;
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
