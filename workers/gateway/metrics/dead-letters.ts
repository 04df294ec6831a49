import type { DeadLetterCounts } from "../../../shared/objects/dead-letters.ts";
import { STAGES } from "../../../shared/pipeline.ts";
import type { Metric } from "../../../shared/http/prometheus.ts";
import { gauge, secondsSince } from "./metric.ts";

export function deadLetterMetrics(counts: DeadLetterCounts, now: number): Metric[] {
  const stages = [...new Set([...STAGES, ...Object.keys(counts.open)])];
  return [
    gauge(
      "vdc_dead_letters_open",
      "Dead letters that wait for an operator, by stage. Should be 0.",
      stages.map((stage) => [counts.open[stage] ?? 0, { stage }]),
    ),
    gauge(
      "vdc_dead_letter_recovery",
      "1 while letters of a stage that used up their retries are sent by themselves: probing (one at a time) or replaying (the rest).",
      stages.flatMap((stage) =>
        (["probing", "replaying"] as const).map((phase): [number, Record<string, string>] => [
          counts.recovering.some((one) => one.stage === stage && one.phase === phase) ? 1 : 0,
          { stage, phase },
        ]),
      ),
    ),
    gauge("vdc_dead_letters", "Dead letters that do not wait for an operator, by state.", [
      [counts.replaying, { state: "replaying" }],
      [counts.resolved, { state: "resolved" }],
      [counts.dismissed, { state: "dismissed" }],
    ]),
    gauge(
      "vdc_oldest_open_dead_letter_seconds",
      "Age of the oldest open dead letter; 0 when none is open.",
      secondsSince(counts.oldestOpenAt, now),
    ),
  ];
}
