import { unsignedTransaction, type Submission, type UnsignedSubmission } from "../chain/submission.ts";
import { signedTransactionBytes } from "../chain/transaction.ts";
import { TRANSACTION } from "../crypto/contexts.ts";
import type { UserKeys } from "./user-keys.ts";

/**
 * Signs a submission for one chain. Make it once and keep it: signing again gives other bytes, though the transaction's
 * id stays.
 */
export async function signSubmission(
  chainId: string,
  unsigned: UnsignedSubmission,
  user: UserKeys,
): Promise<Submission> {
  const transaction = unsignedTransaction(chainId, user.userId, unsigned);
  const signature = await user.sign(signedTransactionBytes(transaction), TRANSACTION);
  return { ...unsigned, signatures: { user: signature } };
}
