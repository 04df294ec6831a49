import * as v from "valibot";
import { Sha256Hex, TxId } from "../chain/transaction.ts";
import { WholeText } from "../whole-text.ts";

/**
 * What a pending object, or one in `intents/`, says about itself outside its envelope, so that the chain head can be told
 * of it again without decrypting it: R2 custom metadata holds text only.
 */
const PendingMetadata = v.object({
  timestamp: WholeText,
  size: WholeText,
  pays: v.optional(TxId),
  grants: v.optional(Sha256Hex),
});

export interface PendingFacts {
  readonly timestamp: number;
  readonly size: number;
  /** Of a payment: the submission that it pays. */
  readonly pays?: string | undefined;
  /** What it makes true once it is mined: `shared/chain/grant.ts`. */
  readonly grants?: string | undefined;
}

export function pendingMetadata({ timestamp, size, pays, grants }: PendingFacts): Record<string, string> {
  return {
    timestamp: String(timestamp),
    size: String(size),
    ...(pays !== undefined && { pays }),
    ...(grants !== undefined && { grants }),
  };
}

/** `undefined` for an object that VDC did not write. */
export function readPendingMetadata(metadata: Record<string, string> | undefined): PendingFacts | undefined {
  const parsed = v.safeParse(PendingMetadata, metadata);
  return parsed.success ? parsed.output : undefined;
}
