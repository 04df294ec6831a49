import { expect, it } from "vitest";
import { MUTATIONS } from "./mutations/all.ts";
import { SEED_HANGS_AFTER_MS, seedThatFinds, SEEDS_FOR_A_MUTATION } from "./seeds.ts";

it.concurrent.each(MUTATIONS.filter(({ isRare }) => !isRare))(
  "the simulation finds $name: $breaks",
  { timeout: SEEDS_FOR_A_MUTATION * SEED_HANGS_AFTER_MS },
  async (mutation) => {
    const seed = await seedThatFinds(mutation);
    expect(
      seed,
      `no seed from ${mutation.seed} on breaks the promise: the simulation can't see it`,
    ).toBeDefined();
  },
);
