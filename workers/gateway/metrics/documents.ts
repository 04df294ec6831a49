import type { Metric } from "../../../shared/http/prometheus.ts";
import type { DocumentTotals } from "../../../shared/api/storage-report.ts";
import { counter, gauge } from "./metric.ts";

export function documentMetrics({
  total,
  partial,
  failed,
  verifiedSince,
  rehydrated,
}: DocumentTotals): Metric[] {
  return [
    gauge("vdc_documents", "Documents that are stored in R2 and on IPFS.", total),
    gauge("vdc_documents_failing", "Documents that neither R2 nor IPFS can give. Must be 0.", failed),
    gauge(
      "vdc_documents_partial",
      "Documents that R2 or IPFS lacks, holds damaged, or could not be asked for.",
      partial,
    ),
    ...(verifiedSince === null
      ? []
      : [
          gauge(
            "vdc_documents_verified_since_timestamp_seconds",
            "Every document has been verified since. A round takes as many days as VERIFY_DOCUMENTS_A_DAY goes into the documents.",
            verifiedSince / 1_000,
          ),
        ]),
    counter(
      "vdc_document_rehydrations_total",
      "Copies of documents that were restored to a tier from the other. Look into it when it grows often.",
      Object.entries(rehydrated).map(([tier, count]) => [count, { tier }]),
    ),
  ];
}
