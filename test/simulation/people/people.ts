import type { Stack } from "../platform/stack.ts";
import type { Profile } from "../profile.ts";
import type { Onlooker } from "../promises/onlooker.ts";
import type { Promised } from "../promises/promised.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { Errands } from "./errands.ts";
import type { Operator } from "./operator.ts";
import type { Stripe } from "./stripe.ts";

/** Everything that a person deals with or remembers. */
export interface People {
  readonly world: World;
  readonly stack: Stack;
  readonly profile: Profile;
  /** Decides what people do. */
  readonly random: Random;
  readonly promised: Promised;
  readonly onlooker: Onlooker;
  readonly errands: Errands;
  readonly stripe: Stripe;
  readonly operator: Operator;
}
