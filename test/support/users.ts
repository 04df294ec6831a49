import { signedTransactionBytes, type PendingPayload } from "../../shared/chain/transaction.ts";
import { base64url } from "../../shared/crypto/bytes.ts";
import { TRANSACTION } from "../../shared/crypto/contexts.ts";
import { keyId } from "../../shared/crypto/key-id.ts";
import { generateSigningSeed, importSigningSeed } from "../../shared/crypto/ml-dsa.ts";

/** The payload with the signature of a new user's key over its transaction. */
export async function signedByUser(payload: PendingPayload): Promise<PendingPayload> {
  const { transaction } = payload;
  const user = await importSigningSeed(generateSigningSeed());
  const signature = await user.sign(signedTransactionBytes(transaction), TRANSACTION);
  const signatures = {
    user: {
      algorithm: "ML-DSA-44",
      keyId: keyId("ML-DSA-44", user.publicKey),
      publicKey: base64url(user.publicKey),
      signature: base64url(signature),
    },
  } as const;
  return { ...payload, transaction: { ...transaction, signatures } };
}
