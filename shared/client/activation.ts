import type { ActivationRequest } from "../api/activation.ts";
import type { Json } from "../crypto/canonical.ts";
import { signSubmission } from "./sign-submission.ts";
import type { UserKeys } from "./user-keys.ts";
import { sealMetadata } from "./user-metadata.ts";

/**
 * Makes the body of an activation: the user's signed registration. Make it once and keep it, so that it can be sent again
 * when the answer was lost.
 * @param timestamp milliseconds since the epoch, about now
 * @param metadata the user's own metadata: sealed to the user's own key, as version 1
 */
export async function activationRequest(
  chainId: string,
  token: string,
  user: UserKeys,
  timestamp: number,
  metadata?: { readonly [name: string]: Json },
): Promise<ActivationRequest> {
  const keys = { signingKey: user.signingKey, encryptionKey: user.encryptionKey };
  const unsigned = { type: "user_registration", timestamp, data: keys } as const;
  const { signatures } = await signSubmission(chainId, unsigned, user);
  return {
    token,
    timestamp,
    keys,
    signature: signatures.user,
    ...(metadata && { encryptedMetadata: await sealMetadata(chainId, user, 1, metadata) }),
  };
}
