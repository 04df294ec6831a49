import * as v from "valibot";
import { Sha256Hex, TxId } from "../chain/transaction.ts";
import { WholeText } from "../schema/integer-text.ts";
import { r2Keys } from "./layout.ts";
import { readObject } from "./r2-tier.ts";

/**
 * The metadata of an object in `pending/` or `intents/`, outside its envelope. With it the transaction can be admitted
 * again without decryption. R2 custom metadata holds text only.
 */
const PendingMetadata = v.object({
  timestamp: WholeText,
  size: WholeText,
  pays: v.optional(TxId),
  grants: v.optional(Sha256Hex),
  needs: v.optional(Sha256Hex),
  paid: v.optional(
    v.pipe(
      v.literal("true"),
      v.transform(() => true as const),
    ),
  ),
});

export interface PendingDetails {
  readonly timestamp: number;
  readonly size: number;
  /** For a payment: the id of the submission that it pays for. */
  readonly pays?: string | undefined;
  /** The grant that the transaction makes true once it is mined: `shared/chain/grant.ts`. */
  readonly grants?: string | undefined;
  /** The grant without which the transaction would break a rule. */
  readonly needs?: string | undefined;
  /** The transaction comes from Stripe. */
  readonly paid?: true | undefined;
}

/**
 * Reads the envelope of a transaction, which is in `pending/` or, once it was set aside, in `set-aside/`. Both may hold
 * one: a payment that is delivered again makes a second envelope, with another commitment.
 * @param isMoved the chain head has noted that the envelope in `set-aside/` counts
 * @returns `undefined` when R2 says that neither exists
 */
export async function readPending(
  bucket: R2Bucket,
  txId: string,
  isMoved: boolean,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const keys = [r2Keys.pending(txId), r2Keys.setAside(txId)];
  for (const key of isMoved ? keys.toReversed() : keys) {
    const bytes = await readObject(bucket, key);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

/** Picks the pending facts out of a message or a row with more members. */
export function pendingDetails({
  timestamp,
  size,
  pays,
  grants,
  needs,
  paid,
}: PendingDetails): PendingDetails {
  return {
    timestamp,
    size,
    ...(pays !== undefined && { pays }),
    ...(grants !== undefined && { grants }),
    ...(needs !== undefined && { needs }),
    ...(paid && { paid }),
  };
}

export function pendingMetadata({
  timestamp,
  size,
  pays,
  grants,
  needs,
  paid,
}: PendingDetails): Record<string, string> {
  return {
    timestamp: String(timestamp),
    size: String(size),
    ...(pays !== undefined && { pays }),
    ...(grants !== undefined && { grants }),
    ...(needs !== undefined && { needs }),
    ...(paid && { paid: "true" }),
  };
}

/** `undefined` for an object that VDC did not write. */
export function readPendingMetadata(
  metadata: Record<string, string> | undefined,
): PendingDetails | undefined {
  const parsed = v.safeParse(PendingMetadata, metadata);
  return parsed.success ? parsed.output : undefined;
}
