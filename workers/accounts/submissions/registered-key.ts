import { chainHead, type ChainHeadEnv } from "../../../shared/objects/chain-head.ts";
import { Problem } from "../../../shared/http/problems.ts";

/**
 * Returns the id of the encryption key that a block registers for a user. Only that user can open an envelope sealed to it.
 * @param kid id of the key to which the user's envelope is sealed
 * @throws Problem "not-registered", also when `kid` is another key
 */
export async function registeredKey(userId: string, kid: string, env: ChainHeadEnv): Promise<string> {
  const { users } = await chainHead(env).ledger({ assetIds: [], userIds: [userId] });
  const user = users.find((user) => user.userId === userId);
  if (user === undefined)
    throw new Problem(
      "not-registered",
      "No block registers this user. Wait until the registration is mined.",
    );
  if (user.encryptionKeyId !== kid)
    throw new Problem(
      "not-registered",
      "This is not sealed to the encryption key that the user has registered.",
    );
  return user.encryptionKeyId;
}
