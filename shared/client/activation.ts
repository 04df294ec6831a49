import type { ActivationRequest } from "../activation.ts";
import type { Json } from "../crypto/canonical.ts";
import { signSubmission } from "./sign-submission.ts";
import type { UserKeys } from "./user-keys.ts";
import { sealMetadata } from "./user-metadata.ts";

/**
 * The body of an activation: the user's registration, signed. The result is made once and kept, so that it can be sent
 * again when the answer was lost.
 * @param timestamp milliseconds since the epoch, about now
 * @param metadata what the user wants to keep about himself: sealed to the user's own key, as version 1
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
