import { SEALED_NAMES } from "../chain/sealed-names.ts";
import { fromUtf8 } from "../crypto/bytes.ts";
import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import { USER_METADATA } from "../crypto/contexts.ts";
import { Permanent } from "../runtime/errors.ts";
import { signedMetadataBytes, verifyUserMetadata, type UserMetadataRecord } from "../chain/user-metadata.ts";
import type { UserKeys } from "./user-keys.ts";

/**
 * Seals a user's metadata to the user's own key and signs it, for one chain. Make it once and keep it: sealing again
 * gives other bytes, which would need a higher version.
 * @param version higher than that of the record that it replaces; 1 for the first
 */
export async function sealMetadata(
  chainId: string,
  user: UserKeys,
  version: number,
  metadata: { readonly [name: string]: Json },
): Promise<UserMetadataRecord> {
  const { userId } = user;
  const envelope = await user.seal(SEALED_NAMES.userMetadata(userId), canonicalBytes(metadata));
  const unsigned = { userId, version, envelope };
  return { ...unsigned, signature: await user.sign(signedMetadataBytes(chainId, unsigned), USER_METADATA) };
}

/**
 * Opens a user's metadata. Anyone can seal to a user's public key, so the signature is verified too.
 * @throws Permanent "invalid_signature" without this user's valid signature, "undecryptable" when the envelope does not
 * open
 */
export async function openMetadata(
  chainId: string,
  user: UserKeys,
  record: UserMetadataRecord,
): Promise<{ readonly [name: string]: Json }> {
  const { userId, envelope } = record;
  const own = userId === user.userId && envelope.txId === SEALED_NAMES.userMetadata(userId);
  if (!own || !(await verifyUserMetadata(chainId, record)))
    throw new Permanent("invalid_signature", "this is no metadata that the user has signed");
  return JSON.parse(fromUtf8(await user.open(envelope))) as { [name: string]: Json };
}
