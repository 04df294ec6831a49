import { rotateKeyring } from "../../../shared/crypto/keyring.ts";
import type { WellKnown } from "../../../shared/api/well-known.ts";
import type { People } from "./people.ts";
import { posted } from "./operator.ts";
import { NoAnswer, request } from "./request.ts";

const ASK_AGAIN = 600_000;
const MOST_TRIES = 20;
/** Milliseconds in which a Worker with the old keyring may come back, beside a Worker with the new one. */
const OLD_ONE_RETURNS_FOR = 1_800_000;

/**
 * Follows the handbook for a stolen signing key. The operator deploys a new keyring. Once a block has announced its
 * key, the operator asks for a revocation, which states the first block for which the old key is not trusted.
 */
export async function replacesStolenKey(people: People): Promise<void> {
  const { world, stack, random } = people;
  const { SYSTEM_KEYRING: old } = stack.secrets;
  const rotated = await rotateKeyring(old);
  stack.changeSecret("miner", { SYSTEM_KEYRING: rotated });
  for (let times = random.between(0, 2); times > 0; times--)
    world.at(world.now + random.between(0, OLD_ONE_RETURNS_FOR), () => {
      stack.changeSecret("miner", { SYSTEM_KEYRING: old });
      world.at(world.now + random.between(1, OLD_ONE_RETURNS_FOR), () =>
        stack.changeSecret("miner", { SYSTEM_KEYRING: rotated }),
      );
    });
  await revokesRetired(people);
}

/**
 * Asks for the revocation again until a block states it. A chain head that lost its storage only knows what blocks
 * state.
 */
async function revokesRetired({ world, stack, operator }: People): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const retired = await retiredKey();
    if (retired !== undefined) {
      // Revokes from the first block that the key may not sign anyway, so that all blocks so far stay trusted.
      const asked = posted({ fromBlock: (retired.retiredIn ?? 0) + 1, reason: "stolen" });
      const answer = await operator.click(`/api/vdc/keys/${retired.keyId}/revoke`, asked);
      if (answer?.status === 200) return;
    }
    await world.sleep(ASK_AGAIN);
  }

  async function retiredKey(): Promise<WellKnown["signingKeys"][number] | undefined> {
    try {
      const answer = await request(stack, "/.well-known/vdc.json");
      if (answer.status !== 200) return undefined;
      return (answer.json() as WellKnown).signingKeys.find(({ retiredIn }) => retiredIn !== null);
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  }
}
