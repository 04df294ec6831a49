import * as v from "valibot";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { logHead } from "../../shared/objects/log-head.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { endorse, keysOf, LogKeyStatement } from "../../shared/tlog/endorsement.ts";
import type { Env } from "./env.ts";

/**
 * Signs the keys of the transparency log with the block key, once for each set of keys, so that a verifier of blocks needs no
 * other key. A statement of another chain or of another shape is refused.
 * @throws Error when the keyring does not hold the chain's present signing key
 */
export async function endorseLog(keyring: Keyring, env: Env, log: Log): Promise<void> {
  const waiting = await logHead(env).keysToEndorse();
  if (waiting === null) return;
  const { genesisHash, signingKeys } = await chainHead(env).head();
  if (genesisHash === null) return; // the log has no entry before genesis
  const statement = v.parse(LogKeyStatement, { ...waiting, genesisHash });
  keysOf(statement);
  if (statement.chainId !== env.CHAIN_ID)
    throw new Error(`the log's keys are for the chain ${statement.chainId}`);
  const signer = keyring.signing.byId(signingKeys.at(-1)?.keyId ?? "");
  if (signer === undefined) throw new Error("the keyring does not hold the chain's present signing key");
  await logHead(env).endorsed(await endorse(statement, signer));
  log.info("log.keys_endorsed", { origin: statement.origin, fromSize: statement.fromSize });
}
