import { rotateKeyring } from "../../../shared/crypto/keyring.ts";
import type { WellKnown } from "../../../workers/gateway/well-known.ts";
import type { People } from "./people.ts";
import { posted } from "./operator.ts";
import { NoAnswer, request } from "./request.ts";

const ASK_AGAIN = 600_000;
const MOST_TRIES = 20;
/** For so long a Worker with the old keyring may come back, beside the new one. */
const OLD_ONE_RETURNS_FOR = 1_800_000;

/**
 * What the handbook says when the signing key was stolen: the operator deploys a new keyring, and once a block has announced
 * its key, has the next one state from which block on the old key is not to be trusted.
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

/** Again and again, until a block states it: a chain head that lost its storage forgets what no block states. */
async function revokesRetired({ world, stack, operator }: People): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const retired = await retiredKey();
    if (retired !== undefined) {
      // From the first block on that it may not sign anyway: so all that the others verify stays trusted.
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
