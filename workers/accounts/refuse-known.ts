import { ledgerKeysOf } from "../../shared/chain/ledger.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Env } from "./env.ts";

/**
 * Refuses at once what the sealed chain has already, from another transaction: the miner would set it aside. What is
 * still under way is not looked at; the rules are applied when the block is built.
 * @throws Problem "already-exists"
 */
export async function refuseKnown(transaction: Transaction, env: Env): Promise<void> {
  const { id, type, data } = transaction;
  if (type !== "asset_creation" && type !== "user_registration") return;
  const { assets, users } = await chainHead(env).ledger(ledgerKeysOf([transaction]));
  if (assets.length + users.length === 0) return;
  // Asked for after the ledger: if this very transaction had made it, it would be known by now.
  const own = await chainHead(env).transaction(id);
  if (own !== null && own.state !== "set_aside") return;
  throw type === "asset_creation"
    ? new Problem("already-exists", "Another transaction created this asset. Choose another id.", {
        members: { assetId: data.assetId },
      })
    : new Problem("already-exists", "Another transaction registered this user. There is nothing to do.", {
        members: { userId: data.signingKey.keyId },
      });
}
