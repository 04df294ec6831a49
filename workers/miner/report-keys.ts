import { chainHead } from "../../shared/chain-head.ts";
import { keyringOf, type Env } from "./env.ts";

/**
 * Tells the chain head, every minute, which envelopes this miner can open and which key it signs with. So a broken keyring, or
 * one that fits neither the key that payments are sealed to nor the chain, shows in /api/ready before a payment has to wait.
 */
export async function reportKeys(env: Env): Promise<void> {
  const { encryption, signing } = await keyringOf(env);
  await chainHead(env).minerKeys({ keyIds: encryption.keyIds, signingKeyId: signing.active.keyId });
}
