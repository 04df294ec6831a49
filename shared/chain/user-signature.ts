import { fromBase64url } from "../crypto/bytes.ts";
import { TRANSACTION } from "../crypto/contexts.ts";
import { keyId } from "../crypto/key-id.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { SUBMITTED_TYPES, submissionTxId } from "./submission.ts";
import { signedTransactionBytes, type Transaction, type UserSignature } from "./transaction.ts";

/**
 * Decides whether the user's signature, if there is one, was made by the key that it names over exactly these bytes. A
 * transaction without a user signature passes: `userFault` decides whether it needs one.
 */
export async function verifyUserSignature(transaction: Transaction): Promise<boolean> {
  const { user } = transaction.signatures;
  return user === undefined || verifySignature(user, signedTransactionBytes(transaction), TRANSACTION);
}

/** Types that no block holds without their user's signature: only the user can want them. */
const ALWAYS_SIGNED: readonly Transaction["type"][] = ["user_registration", "asset_transfer"];

/** The faults of a user's signature, and of the id that is derived from it. */
export type UserFault = "unsigned" | "not_to_be_signed" | "wrong_id" | "wrong_signature";

/**
 * Finds the fault of the user's half of a transaction: whether a signature is required or allowed, whether the id is
 * derived from this chain, this signer and these contents, and whether the signature is valid. docs/format.md, section
 * 4.5.
 */
export async function userFault(transaction: Transaction, chainId: string): Promise<UserFault | undefined> {
  const { id, type, signatures } = transaction;
  if (signatures.user === undefined) return ALWAYS_SIGNED.includes(type) ? "unsigned" : undefined;
  if (!SUBMITTED_TYPES.some((submitted) => submitted === type)) return "not_to_be_signed";
  if (submissionTxId(chainId, signatures.user.keyId, transaction) !== id) return "wrong_id";
  return (await verifyUserSignature(transaction)) ? undefined : "wrong_signature";
}

/**
 * Decides whether a signature was made by the key that it names over these bytes.
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
