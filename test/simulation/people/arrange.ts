import { erasesSomething } from "./erasing.ts";
import { floods } from "./flooding.ts";
import { replacesStolenKey } from "./keys.ts";
import type { People } from "./people.ts";
import { arrangeUsers } from "./users.ts";
import { Vandal } from "./vandal.ts";

/** Arranges everything that people will do in this world, and the times. */
export async function arrange(people: People): Promise<void> {
  arrangePurchases(people);
  arrangeOperator(people);
  arrangeMishaps(people);
  await arrangeUsers(people);
}

function arrangePurchases({ world, profile, stripe }: People): void {
  const { random } = world;
  for (let i = 0; i < profile.purchases; i++)
    world.at(world.now + random.between(0, profile.busy), () =>
      stripe.buys(random.chance(0.3) ? { assetId: `deed-${i}` } : {}),
    );
}

function arrangeOperator(people: People): void {
  const { world, profile, operator, errands } = people;
  const { random } = world;
  const sometimes = (times: number, what: string, run: () => Promise<void>) => {
    for (let i = times; i > 0; i--) errands.at(world.now + random.between(0, profile.busy), what, run);
  };
  sometimes(random.between(1, 6), "mining", () => operator.mines());
  sometimes(random.between(0, 2), "verifying", () => operator.verifiesEverything(random.chance(0.7)));
  sometimes(random.between(0, 2), "replaying", () => operator.replaysDeadLetters());
  sometimes(random.between(0, 2), "aborting", () => operator.abortsReplays());
  sometimes(random.between(0, 2), "dismissing", () => operator.dismissesDeadLetters());
  sometimes(profile.erasures, "erasing", () => erasesSomething(people));
  sometimes(profile.floods, "flooding", () => floods(people));
  sometimes(random.chance(0.4) ? 1 : 0, "replacing the key", () => replacesStolenKey(people));
}

function arrangeMishaps(people: People): void {
  const { world, stack, profile, onlooker } = people;
  const { random } = world;
  const vandal = new Vandal(stack, onlooker);
  for (let i = 3; i > 0; i--) world.at(world.now + random.between(0, profile.busy), () => vandal.strikes());
  // A second loss may come while the first restore runs.
  for (let i = random.pick([1, 1, 1, 2]); i > 0; i--)
    world.at(world.now + random.between(0, profile.busy), () => losesStorageSoon(people));
}

/**
 * The chain head loses its storage at any call (""), or right after a call whose label begins with this text. In the
 * second case the caller acts on an answer that the chain head has forgotten.
 */
const LOST_AFTER = ["", "", "ChainHead.reserve", "ChainHead.ledger", "ChainHead.block", "KV put "];
const MOST_OPERATIONS_UNTIL_LOSS = 40;
const MOST_OPERATIONS_AFTER_ANSWER = 2;

function losesStorageSoon(people: People): void {
  const { world } = people;
  const from = world.random.pick(LOST_AFTER);
  const most = from === "" ? MOST_OPERATIONS_UNTIL_LOSS : MOST_OPERATIONS_AFTER_ANSWER;
  world.afterOperations(world.random.between(0, most), () => losesStorage(people), from);
}

/** Milliseconds until the operator restores: at once after an alert, or later when the operator looks. */
const RESTORED_AFTER = [0, 120_000, 120_000, 3_600_000];
/**
 * Milliseconds after the restore begins until which a Worker may stand still. It then goes on with its old answers,
 * unless the platform has ended it.
 */
const OUTLIVES_FOR = 600_000;

function losesStorage({ world, stack, operator, errands }: People): void {
  const { random } = world;
  if (!world.strikes("storage lost", "the chain head")) return;
  const restoredAfter = random.between(0, random.pick(RESTORED_AFTER));
  for (const worker of stack.workers())
    for (const invocation of worker.running)
      if (world.strikes("worker outlives the loss", worker.name))
        invocation.heldUntil = world.now + random.between(1_000, restoredAfter + OUTLIVES_FOR);
  stack.object("ChainHead", stack.chainId).loseStorage();
  errands.at(world.now + restoredAfter, "restoring", () => operator.restores());
}
