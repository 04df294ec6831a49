import type { Metric } from "../../../shared/http/prometheus.ts";
import { TIER_NAMES } from "../../../shared/storage/tier.ts";
import type { StorageSummary } from "../../storage-verifier/runs/failing-blocks.ts";
import { counter, gauge } from "./metric.ts";

/** @param persisted number of blocks stored in every tier; `undefined` when the chain head could not be read */
export function storageMetrics(summary: StorageSummary, persisted: number | undefined): Metric[] {
  const { wrong, verifiedSince, failing, partial, lastRun, rehydrated } = summary;
  const finishedAt = lastRun?.finishedAt ?? null;
  return [
    ...(persisted === undefined
      ? []
      : [
          gauge(
            "vdc_tier_blocks",
            "Blocks that a tier holds: those that were stored there, without those whose latest verification found the copy missing or wrong. Should be the same in all, and vdc_chain_blocks_persisted.",
            TIER_NAMES.map((tier) => [persisted - wrong[tier], { tier }]),
          ),
        ]),
    ...(verifiedSince === null
      ? []
      : [
          gauge(
            "vdc_storage_verified_since_timestamp_seconds",
            "Every block that was published by then has been verified since. A round takes as many days as VERIFY_BLOCKS_A_DAY goes into the chain.",
            verifiedSince / 1_000,
          ),
        ]),
    counter(
      "vdc_rehydrations_total",
      "Copies of blocks that were restored to a tier from another. Look into it when it grows often.",
      Object.entries(rehydrated).map(([tier, count]) => [count, { tier }]),
    ),
    gauge("vdc_storage_failing_blocks", "Blocks that no tier can give. Must be 0.", failing),
    gauge("vdc_storage_partial_blocks", "Blocks that some tier lacks or holds damaged.", partial),
    ...(lastRun === null || finishedAt === null
      ? []
      : [
          gauge(
            "vdc_storage_verification_finished_timestamp_seconds",
            "When the last storage verification ended; daily, when all is well.",
            [[finishedAt / 1_000, { kind: lastRun.kind, state: lastRun.state }]],
          ),
        ]),
    ...(lastRun === null
      ? []
      : [
          gauge(
            "vdc_storage_verification_failed_blocks",
            "Blocks that failed in the last storage verification.",
            lastRun.failed,
          ),
        ]),
  ];
}
