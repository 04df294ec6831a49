import { chainHead } from "../../shared/chain-head.ts";
import { keyringOf, type Env } from "./env.ts";

/**
 * Tells the chain head, every minute, which envelopes this miner can open. So a broken keyring, or one that does not
 * fit the key that payments are sealed to, shows in /api/ready before a payment has to be set aside.
 */
export async function reportKeys(env: Env): Promise<void> {
  const { encryption } = await keyringOf(env);
  await chainHead(env).minerKeys(encryption.keyIds);
}
