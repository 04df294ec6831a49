import { fromBase64url } from "../crypto/bytes.ts";
import { TRANSACTION } from "../crypto/contexts.ts";
import { keyId } from "../crypto/key-id.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { signedTransactionBytes, type Transaction, type UserSignature } from "./transaction.ts";

/**
 * Whether the user's signature, where there is one, is that of the key it names over these very bytes.
 * A transaction without a user signature passes: whether it needs one is the miner's policy.
 */
export async function verifyUserSignature(transaction: Transaction): Promise<boolean> {
  const { user } = transaction.signatures;
  return user === undefined || verifySignature(user, signedTransactionBytes(transaction), TRANSACTION);
}

/**
 * Whether a signature is that of the key it names over these bytes.
 * @param context one of `shared/crypto/contexts.ts`
 */
export async function verifySignature(
  { keyId: named, publicKey: key, signature }: UserSignature,
  message: Uint8Array,
  context: string,
): Promise<boolean> {
  try {
    const publicKey = fromBase64url(key);
    if (keyId("ML-DSA-44", publicKey) !== named) return false;
    return await verify(fromBase64url(signature), message, publicKey, context);
  } catch (error) {
    if (error instanceof TypeError) return false; // not base64url
    throw error;
  }
}
