import type { Backlog } from "../../../shared/queue/backlog.ts";
import type { DeadLetterCounts } from "../../../shared/objects/dead-letters.ts";
import type { ObjectBytes } from "../../../shared/durable-object/object-bytes.ts";
import type { Metric } from "../../../shared/http/prometheus.ts";
import type { DocumentTotals } from "../../../shared/api/storage-report.ts";
import type { StorageSummary } from "../../storage-verifier/runs/failing-blocks.ts";
import type { Measures } from "../../chain-head/reads/measures.ts";
import type { StatusFacts } from "../../chain-head/reads/status.ts";
import type { AlertName, AlertState } from "../../../shared/objects/alerts.ts";
import type { Counters } from "../../monitor/counters.ts";
import { chainMetrics, measuredMetrics, persistedBlocks } from "./chain.ts";
import { alertMetrics, countedMetrics } from "./counted.ts";
import { deadLetterMetrics } from "./dead-letters.ts";
import { documentMetrics } from "./documents.ts";
import { gauge } from "./metric.ts";
import { objectMetrics } from "./objects.ts";
import { queueMetrics } from "./queues.ts";
import { storageMetrics } from "./storage.ts";

/** The parts of a scrape; `undefined`: the part could not be read. */
export interface ScrapeParts {
  readonly chain: StatusFacts | undefined;
  readonly measures: Measures | undefined;
  readonly queues: Readonly<Record<string, Backlog>> | undefined;
  readonly intake: Backlog | undefined;
  readonly verifier_queue: Backlog | undefined;
  readonly counters: Counters | undefined;
  readonly alerts: readonly (AlertState & { readonly alert: AlertName })[] | undefined;
  readonly dead_letters: DeadLetterCounts | undefined;
  readonly storage: StorageSummary | undefined;
  readonly documents: DocumentTotals | undefined;
  readonly objects: ObjectBytes | undefined;
}

/** @param now milliseconds since the epoch */
export function metricsOf(parts: ScrapeParts, now: number): Metric[] {
  const { chain, measures, queues, intake, counters, alerts, storage, documents, objects } = parts;
  const { verifier_queue: verifierQueue, dead_letters: deadLetters } = parts;
  const backlogs = {
    ...(intake && { "pending-writer": intake }),
    ...queues,
    ...(verifierQueue && { "storage-verifier": verifierQueue }),
  };
  return [
    gauge(
      "vdc_scrape_part_ok",
      "1 when this part of the scrape could be read. The metrics of a part that is 0 are left out: unknown is not zero.",
      Object.entries(parts).map(([part, read]) => [read === undefined ? 0 : 1, { part }]),
    ),
    ...(chain ? chainMetrics(chain, now) : []),
    ...(measures ? measuredMetrics(measures) : []),
    ...queueMetrics(backlogs, now),
    ...(counters ? countedMetrics(counters) : []),
    ...(alerts ? alertMetrics(alerts) : []),
    ...(deadLetters ? deadLetterMetrics(deadLetters, now) : []),
    ...(objects ? objectMetrics(objects) : []),
    ...(storage ? storageMetrics(storage, chain && persistedBlocks(chain)) : []),
    ...(documents ? documentMetrics(documents) : []),
  ];
}
