import { chainHead, type ChainHeadEnv } from "../../shared/chain-head.ts";
import { Problem } from "../../shared/http/problems.ts";

/**
 * The encryption key that a block registers for a user: what is sealed to it, nobody else opens.
 * @param kid what the user's envelope is sealed to
 * @returns its key id
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
