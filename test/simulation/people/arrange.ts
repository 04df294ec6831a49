import { erasesSomething } from "./erasing.ts";
import type { People } from "./people.ts";
import { arrangeUsers } from "./users.ts";
import { Vandal } from "./vandal.ts";

/** Everything that anybody is going to do in this world, and when. */
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
}

function arrangeMishaps({ world, stack, profile, operator, onlooker, errands }: People): void {
  const { random } = world;
  const vandal = new Vandal(stack, onlooker);
  for (let i = 3; i > 0; i--) world.at(world.now + random.between(0, profile.busy), () => vandal.strikes());
  world.at(world.now + random.between(0, profile.busy), () => {
    if (!world.strikes("storage lost", "the chain head")) return;
    stack.object("ChainHead", stack.chainId).loseStorage();
    errands.at(world.now + random.between(0, 3_600_000), "restoring", () => operator.restores());
  });
}
