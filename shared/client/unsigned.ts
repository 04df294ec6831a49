import type { UnsignedSubmission } from "../chain/submission.ts";
import type { AssetId, PrivatePart } from "../chain/transaction.ts";
import { base64url } from "../crypto/bytes.ts";
import type { Json } from "../crypto/canonical.ts";
import type { UserKeys } from "./user-keys.ts";

type UnsignedOf<Type extends UnsignedSubmission["type"]> = Extract<UnsignedSubmission, { type: Type }>;

/** @param timestamp milliseconds since the epoch, about now: the deployment refuses a time that is much older or newer */
export function registration(
  { signingKey, encryptionKey }: UserKeys,
  timestamp = Date.now(),
): UnsignedOf<"user_registration"> {
  return { type: "user_registration", timestamp, data: { signingKey, encryptionKey } };
}

/** Makes a creation. Its signer is the asset's first owner. All of `data` is public for ever. */
export function creation(
  data: UnsignedOf<"asset_creation">["data"],
  timestamp = Date.now(),
): UnsignedOf<"asset_creation"> {
  return { type: "asset_creation", timestamp, data };
}

/**
 * Makes a transfer, which the asset's present owner signs.
 * @param newOwner userId, the key id of the new owner's signing key
 */
export function transfer(
  assetId: AssetId,
  newOwner: string,
  timestamp = Date.now(),
): UnsignedOf<"asset_transfer"> {
  return { type: "asset_transfer", timestamp, data: { assetId, newOwnerKeyId: newOwner } };
}

/** Makes a submission's `private`: it is encrypted to the system, and only its salted hash is public. */
export function privatePart(part: { [name: string]: Json }): PrivatePart {
  return { salt: base64url(crypto.getRandomValues(new Uint8Array(32))), part };
}
