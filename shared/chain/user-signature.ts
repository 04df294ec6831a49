import { fromBase64url } from "../crypto/bytes.ts";
import { TRANSACTION } from "../crypto/contexts.ts";
import { keyId } from "../crypto/key-id.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { signedTransactionBytes, type Transaction } from "./transaction.ts";

/**
 * Whether the user's signature, where there is one, is that of the key it names over these very bytes.
 * A transaction without a user signature passes: whether it needs one is the miner's policy.
 */
export async function verifyUserSignature(transaction: Transaction): Promise<boolean> {
  const { user } = transaction.signatures;
  if (user === undefined) return true;
  try {
    const publicKey = fromBase64url(user.publicKey);
    if (keyId("ML-DSA-44", publicKey) !== user.keyId) return false;
    const signed = signedTransactionBytes(transaction);
    return await verify(fromBase64url(user.signature), signed, publicKey, TRANSACTION);
  } catch (error) {
    if (error instanceof TypeError) return false; // not base64url
    throw error;
  }
}
