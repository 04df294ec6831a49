import type { Labels, Metric } from "../../../shared/http/prometheus.ts";

type Samples = readonly (readonly [value: number, labels?: Labels])[];

export function gauge(name: string, help: string, samples: number | Samples): Metric {
  return { name, help, type: "gauge", samples: samplesOf(samples) };
}

/** @param name must end in `_total` */
export function counter(name: `${string}_total`, help: string, samples: number | Samples): Metric {
  return { name, help, type: "counter", samples: samplesOf(samples) };
}

function samplesOf(samples: number | Samples): { value: number; labels?: Labels }[] {
  if (typeof samples === "number") return [{ value: samples }];
  return samples.map(([value, labels]) => ({ value, ...(labels && { labels }) }));
}

/** Seconds since a time; 0 for null, for example when nothing waits. Times are milliseconds since the epoch. */
export function secondsSince(time: number | null, now: number): number {
  return time === null ? 0 : Math.max(0, now - time) / 1_000;
}
