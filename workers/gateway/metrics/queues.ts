import type { Backlog } from "../../../shared/queue/backlog.ts";
import type { Metric } from "../../../shared/http/prometheus.ts";
import { gauge, secondsSince } from "./metric.ts";

/** @param backlogs of the stages whose queue could be measured */
export function queueMetrics(backlogs: Readonly<Record<string, Backlog>>, now: number): Metric[] {
  const of = (measure: (backlog: Backlog) => number) =>
    Object.entries(backlogs).map(([stage, backlog]) => [measure(backlog), { stage }] as const);
  return [
    gauge(
      "vdc_queue_backlog_messages",
      "Messages that wait in a stage's queue, as the platform counts them (best effort).",
      of(({ messages }) => messages),
    ),
    gauge(
      "vdc_queue_backlog_bytes",
      "Bytes of the messages that wait in a stage's queue.",
      of(({ bytes }) => bytes),
    ),
    gauge(
      "vdc_queue_oldest_message_seconds",
      "Age of the oldest message in a stage's queue; 0 when none waits.",
      of(({ oldestAt }) => secondsSince(oldestAt, now)),
    ),
  ];
}
