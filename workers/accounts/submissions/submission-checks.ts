import type { Transaction } from "../../../shared/chain/transaction.ts";
import { verifyUserSignature } from "../../../shared/chain/user-signature.ts";
import { Problem } from "../../../shared/http/problems.ts";

/**
 * Checks that the named user signed this transaction. The key that a registration registers must sign it; a block must hold no
 * other registration, whatever the ledger says.
 * @throws Problem "invalid-user-signature"
 */
export async function checkSignature(transaction: Transaction): Promise<void> {
  const { type, data, signatures } = transaction;
  if (!(await verifyUserSignature(transaction)))
    throw new Problem(
      "invalid-user-signature",
      "The signature is not that of the key it names over this transaction: sign what docs/format.md says, for this chain.",
    );
  if (type === "user_registration" && signatures.user?.keyId !== data.signingKey.keyId)
    throw new Problem(
      "invalid-user-signature",
      "The signature is not that of the key being registered: nobody can register somebody else.",
    );
}

/** @throws Problem "timestamp-outside-window" */
export function checkTime(timestamp: number, now: number, windowSeconds: number): void {
  if (Math.abs(now - timestamp) <= windowSeconds * 1_000) return;
  throw new Problem(
    "timestamp-outside-window",
    `The timestamp is more than ${windowSeconds} seconds from our clock: sign it anew with the present time.`,
    { members: { now, windowSeconds } },
  );
}
