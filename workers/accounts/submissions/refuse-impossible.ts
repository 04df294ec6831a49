import { ownershipGrant, registrationGrant } from "../../../shared/chain/grant.ts";
import type { LedgerKeys } from "../../../shared/chain/ledger.ts";
import type { Transaction } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Outlook } from "../../chain-head/decisions/outlook.ts";
import type { Env } from "../env.ts";

export interface SignersWish {
  /** The new owner's key may be one that no user has registered. */
  readonly allowUnregistered: boolean;
}

/**
 * Refuses a transaction that no block could take, by the sealed chain and the pending transactions. A transaction that may become
 * valid passes: the miner applies the rules when it builds the block.
 * @throws Problem "already-exists", "unknown-asset", "not-owner" or "recipient-not-registered"
 */
export async function refuseImpossible(transaction: Transaction, env: Env, wish: SignersWish): Promise<void> {
  const needed = neededBy(transaction);
  if (needed === undefined) return;
  const outlook = await chainHead(env).outlook(transaction.id, needed.keys, needed.grants);
  // The same transaction is pending or mined, so an asset or user that "already exists" may come from it.
  if (outlook.transaction !== null && outlook.transaction.state !== "set_aside") return;
  const problem = problemWith(transaction, outlook, wish);
  if (problem !== undefined) throw problem;
}

/**
 * Returns the ledger keys that the rules read for this transaction, and the grants that a pending transaction may still make
 * true.
 */
function neededBy({
  type,
  data,
  signatures,
}: Transaction): { keys: LedgerKeys; grants: readonly string[] } | undefined {
  switch (type) {
    case "asset_creation":
      return { keys: { assetIds: [data.assetId], userIds: [] }, grants: [] };
    case "user_registration":
      return { keys: { assetIds: [], userIds: [data.signingKey.keyId] }, grants: [] };
    case "asset_transfer": {
      const { assetId, newOwnerKeyId } = data;
      const signer = signatures.user?.keyId ?? "";
      return {
        keys: { assetIds: [assetId], userIds: [newOwnerKeyId] },
        grants: [ownershipGrant(assetId, signer), registrationGrant(newOwnerKeyId)],
      };
    }
    default:
      return undefined;
  }
}

function problemWith(
  { type, data, signatures }: Transaction,
  { assets, users, pendingGrants }: Outlook,
  { allowUnregistered }: SignersWish,
): Problem | undefined {
  if (type === "asset_creation" && assets.length > 0)
    return new Problem("already-exists", "Another transaction created this asset. Choose another id.", {
      members: { assetId: data.assetId },
    });
  if (type === "user_registration" && users.length > 0)
    return new Problem(
      "already-exists",
      "Another transaction registered this user. There is nothing to do.",
      {
        members: { userId: data.signingKey.keyId },
      },
    );
  if (type !== "asset_transfer") return undefined;
  const { assetId, newOwnerKeyId } = data;
  const signer = signatures.user?.keyId ?? "";
  const [asset] = assets;
  if (asset?.owner !== signer && !pendingGrants.includes(ownershipGrant(assetId, signer)))
    return asset === undefined
      ? unknownAsset(assetId)
      : asset.owner === null
        ? ownerless(assetId)
        : notOwner(assetId);
  const isKnown = users.length > 0 || pendingGrants.includes(registrationGrant(newOwnerKeyId));
  return isKnown || newOwnerKeyId === signer || allowUnregistered ? undefined : unregistered(newOwnerKeyId);
}

function unknownAsset(assetId: string): Problem {
  return new Problem(
    "unknown-asset",
    "No transaction creates this asset. If its creation was accepted just now, send this again when the creation is pending.",
    { members: { assetId } },
  );
}

function notOwner(assetId: string): Problem {
  return new Problem(
    "not-owner",
    "The asset is not the signer's, and no pending transaction gives it to the signer. If one was accepted just now, send this again when that one is pending.",
    { members: { assetId } },
  );
}

function ownerless(assetId: string): Problem {
  return new Problem(
    "not-owner",
    "A payment created this asset, so it has no owner, and nobody can ever transfer it. What is to be passed on must be created by a transaction that its first owner signs.",
    { members: { assetId } },
  );
}

function unregistered(newOwnerKeyId: string): Problem {
  return new Problem(
    "recipient-not-registered",
    "No user has registered the new owner's key, so it may be a typing error, and the asset would be lost. Check it, or say allowUnregistered=true.",
    { members: { newOwnerKeyId } },
  );
}
