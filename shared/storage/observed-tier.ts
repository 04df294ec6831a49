import type { Tier } from "./tier.ts";

/** One operation of a tier, as it ended. */
export interface TierOperation {
  readonly tier: Tier["name"];
  readonly operation: "store" | "read";
  readonly ok: boolean;
  readonly milliseconds: number;
}

/** The same tier; of each operation `observe` is told how long it took and whether it failed. */
export function observedTier(
  tier: Tier,
  observe: (ended: TierOperation) => void,
  now: () => number = Date.now,
): Tier {
  const watch = async <T>(operation: TierOperation["operation"], work: () => Promise<T>): Promise<T> => {
    const started = now();
    const tell = (ok: boolean) => observe({ tier: tier.name, operation, ok, milliseconds: now() - started });
    try {
      const answer = await work();
      tell(true);
      return answer;
    } catch (error) {
      tell(false);
      throw error;
    }
  };
  return {
    name: tier.name,
    store: (copy) => watch("store", () => tier.store(copy)),
    read: (locator) => watch("read", () => tier.read(locator)),
  };
}
