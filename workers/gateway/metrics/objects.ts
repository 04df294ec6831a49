import type { ObjectBytes } from "../../../shared/durable-object/object-bytes.ts";
import type { Metric } from "../../../shared/http/prometheus.ts";
import { gauge } from "./metric.ts";

export function objectMetrics(objects: ObjectBytes): Metric[] {
  return [
    gauge(
      "vdc_durable_object_bytes",
      "Bytes that a Durable Object's storage takes. It takes 10 GiB and no more; at 70 % of that there is an alert.",
      Object.entries(objects).map(([object, bytes]) => [bytes, { object }]),
    ),
  ];
}
