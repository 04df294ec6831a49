import { chainHead } from "../../shared/objects/chain-head.ts";
import { keyringOf, type Env } from "./env.ts";

/**
 * Reports to the chain head, every minute, which envelopes this miner can open and with which key it signs. So `/api/ready` shows
 * a broken or wrong keyring before a payment has to wait. The keyring must fit both the key to which payments are sealed and the
 * chain.
 */
export async function reportKeys(env: Env): Promise<void> {
  const { encryption, signing } = await keyringOf(env);
  await chainHead(env).minerKeys({ keyIds: encryption.keyIds, signingKeyId: signing.active.keyId });
}
