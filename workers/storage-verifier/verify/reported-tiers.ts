import type { Log } from "../../../shared/runtime/log.ts";
import { report, type Observation } from "../../../shared/objects/monitor.ts";
import { observedTiers } from "../../../shared/storage/observed-tier.ts";
import type { Tiers } from "../../../shared/storage/tier.ts";
import { tiersOf } from "../../../shared/storage/tiers.ts";
import type { Env } from "../env.ts";

/** Runs the work with the tiers. Afterwards, whether it succeeded or not, it reports the tier operations to the monitor. */
export async function withReportedTiers<T>(
  env: Env,
  log: Log,
  work: (tiers: Tiers) => Promise<T>,
): Promise<T> {
  const observed: Observation[] = [];
  try {
    return await work(observedTiers(tiersOf(env), (ended) => void observed.push({ kind: "tier", ...ended })));
  } finally {
    await report(env, observed, log);
  }
}
