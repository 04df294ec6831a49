import { chainHead } from "../../../shared/objects/chain-head.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import type { TierReport } from "../../../shared/api/storage-report.ts";
import { TIER_NAMES, type BlockCopy, type TierName } from "../../../shared/storage/tier.ts";
import { keepEvidence } from "./evidence.ts";
import { soundReport, type InspectedCopy, type KnownBlock } from "./inspect.ts";
import { retryOnce } from "../runs/retry-once.ts";
import type { Verification } from "./verify-block.ts";

/**
 * Restores the tiers whose copy is known to be missing or wrong, in the order KV, R2, IPFS. Wrong bytes are kept as evidence
 * before they are overwritten. A second block signed by our key halts the chain until an operator has looked.
 * @returns reports of the tiers that it tried
 */
export async function rehydrate(
  known: KnownBlock,
  copy: BlockCopy,
  inspected: Readonly<Record<TierName, InspectedCopy>>,
  { tiers, env, log, longestWaitSeconds }: Verification,
): Promise<Partial<Record<TierName, TierReport>>> {
  const reports: Partial<Record<TierName, TierReport>> = {};
  const { blockNumber } = known;
  for (const name of TIER_NAMES) {
    const { report, evidence } = inspected[name];
    if (report.present || report.fault === "unreachable") continue;
    try {
      if (evidence !== undefined) await keepEvidence(blockNumber, name, evidence, env);
      if (report.fault === "forked")
        await chainHead(env).halt(`block ${blockNumber}: ${name} held ${report.detail ?? "another block"}`);
      await retryOnce(longestWaitSeconds, () => tiers[name].replace(copy));
      reports[name] = soundReport(name, known);
      log.warn("tier.rehydrated", { blockNumber, tier: name, fault: report.fault });
    } catch (error) {
      const detail = `${report.detail ?? ""}; could not be restored: ${reasonText(error)}`;
      reports[name] = { ...report, detail };
      log.error("tier.rehydration_failed", { blockNumber, tier: name, error: errorText(error) });
    }
  }
  return reports;
}
