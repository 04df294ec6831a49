import type { Metric } from "../../../shared/prometheus.ts";
import type { StorageSummary } from "../../storage-verifier/troubles.ts";
import { counter, gauge } from "./metric.ts";

export function storageMetrics({ blocks, failing, partial, lastRun, rehydrated }: StorageSummary): Metric[] {
  const finishedAt = lastRun?.finishedAt ?? null;
  return [
    ...(blocks === null
      ? []
      : [
          gauge(
            "vdc_tier_blocks",
            "Blocks that a tier was last counted to hold. Should be the same in all, and vdc_chain_blocks_persisted.",
            [
              [blocks.kv, { tier: "kv" }],
              [blocks.r2, { tier: "r2" }],
              [blocks.ipfs, { tier: "ipfs" }],
            ],
          ),
          gauge(
            "vdc_tier_blocks_counted_timestamp_seconds",
            "When the blocks of the tiers were counted.",
            blocks.countedAt / 1_000,
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
            "When the last storage verification ended; weekly, when all is well.",
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
