import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import { sha256Hex } from "../crypto/hash.ts";
import type { Transaction } from "./transaction.ts";

/**
 * The grant of a transaction: the fact that becomes true once it is mined. Either a key owns an asset, or a user is
 * registered. A later transaction may need it, so the chain head knows the grants of pending transactions. A grant is a
 * SHA-256 in lower-case hex: messages and object metadata carry it without revealing the asset.
 */
export function grantOf({ type, data, signatures }: Transaction): string | undefined {
  const signer = signatures.user?.keyId;
  if (signer === undefined) return undefined; // an asset that a payment creates has no owner
  if (type === "asset_creation") return ownershipGrant(data.assetId, signer);
  if (type === "asset_transfer") return ownershipGrant(data.assetId, data.newOwnerKeyId);
  if (type === "user_registration") return registrationGrant(data.signingKey.keyId);
  return undefined;
}

/** The grant without which the transaction breaks a rule: a transfer needs its signer to own the asset. */
export function needOf({ type, data, signatures }: Transaction): string | undefined {
  const signer = signatures.user?.keyId;
  return type === "asset_transfer" && signer !== undefined ? ownershipGrant(data.assetId, signer) : undefined;
}

export function ownershipGrant(assetId: string, ownerKeyId: string): string {
  return hashOf({ assetId, ownerKeyId });
}

export function registrationGrant(userId: string): string {
  return hashOf({ userId });
}

function hashOf(granted: Json): string {
  return sha256Hex(canonicalBytes(granted));
}
