import type { Metric } from "../../../shared/http/prometheus.ts";
import { STAGES } from "../../../shared/pipeline.ts";
import type { AlertName, AlertState } from "../../../shared/objects/alerts.ts";
import type { Counters } from "../../monitor/counters.ts";
import { counter, gauge } from "./metric.ts";

const LOSSY = "Counted after the fact: a report that can't be delivered is logged and lost.";
const OUTCOMES = ["processed", "retried", "dead_lettered", "parked"];

/** Metrics of the stages' reports to the monitor. */
export function countedMetrics({ messages, tiers, failedStages }: Counters): Metric[] {
  const count = (stage: string, outcome: string) =>
    messages.find((row) => row.stage === stage && row.outcome === outcome)?.count ?? 0;
  return [
    counter(
      "vdc_stage_messages_total",
      `What became of the messages of a stage: processed, retried, dead_lettered (given up by the stage), parked (now in the dead-letter store). ${LOSSY}`,
      STAGES.flatMap((stage) =>
        OUTCOMES.map((outcome) => [count(stage, outcome), { stage, outcome }] as const),
      ),
    ),
    counter(
      "vdc_mining_failures_total",
      `Runs of the miner that failed, retried ones included. Should be 0. ${LOSSY}`,
      count("miner", "retried") + count("miner", "dead_lettered"),
    ),
    gauge(
      "vdc_stage_last_failure_timestamp_seconds",
      `When a message of a stage failed last. A stage that never failed is left out. ${LOSSY}`,
      failedStages.map(({ stage, at }) => [at / 1_000, { stage }]),
    ),
    gauge(
      "vdc_stage_failed_attempts",
      "Attempts that the message which failed last had had.",
      failedStages.map(({ stage, attempts }) => [attempts, { stage }]),
    ),
    gauge(
      "vdc_stage_next_retry_timestamp_seconds",
      "When the message that failed last is or was tried again. One that was given up is left out.",
      failedStages.flatMap(({ stage, nextRetryAt }) =>
        nextRetryAt === null ? [] : [[nextRetryAt / 1_000, { stage }] as const],
      ),
    ),
    {
      name: "vdc_tier_operation_seconds",
      help: `How long storing, reading or repairing a block in a tier took, failures included. ${LOSSY}`,
      type: "histogram",
      samples: tiers.map(({ tier, operation, seconds }) => ({
        labels: { tier, operation },
        histogram: seconds,
      })),
    },
    counter(
      "vdc_tier_operation_errors_total",
      `Operations of a tier that failed. ${LOSSY}`,
      tiers.map(({ tier, operation, errors }) => [errors, { tier, operation }]),
    ),
  ];
}

export function alertMetrics(alerts: readonly (AlertState & { readonly alert: AlertName })[]): Metric[] {
  return [
    gauge(
      "vdc_alert_firing",
      "1 while an alert fires. An alert that was never looked at is left out.",
      alerts.map(({ alert, firing }) => [firing ? 1 : 0, { alert }]),
    ),
    gauge(
      "vdc_alert_checked_timestamp_seconds",
      "When an alert was last looked at: each minute, but for failed_verification while one runs, and for stalled and pending_too_old while the chain is halted.",
      alerts.map(({ alert, checkedAt }) => [checkedAt / 1_000, { alert }]),
    ),
  ];
}
