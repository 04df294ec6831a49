import type { Tier, TierName, Tiers } from "./tier.ts";

/** A finished operation of a tier. */
export interface TierOperation {
  readonly tier: TierName;
  readonly operation: "store" | "read" | "repair";
  readonly ok: boolean;
  readonly milliseconds: number;
}

/** Wraps the tiers. `observe` receives the duration of each operation and whether it failed. */
export function observedTiers(tiers: Tiers, observe: (ended: TierOperation) => void): Tiers {
  return {
    kv: observedTier(tiers.kv, observe),
    r2: observedTier(tiers.r2, observe),
    ipfs: observedTier(tiers.ipfs, observe),
  };
}

export function observedTier(
  tier: Tier,
  observe: (ended: TierOperation) => void,
  now: () => number = Date.now,
): Tier {
  const watch = async <T>(operation: TierOperation["operation"], work: () => Promise<T>): Promise<T> => {
    const started = now();
    const report = (ok: boolean) =>
      observe({ tier: tier.name, operation, ok, milliseconds: now() - started });
    try {
      const answer = await work();
      report(true);
      return answer;
    } catch (error) {
      report(false);
      throw error;
    }
  };
  return {
    name: tier.name,
    store: (copy) => watch("store", () => tier.store(copy)),
    replace: (copy) => watch("repair", () => tier.replace(copy)),
    read: (locator) => watch("read", () => tier.read(locator)),
  };
}
