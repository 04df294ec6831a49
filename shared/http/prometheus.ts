import type { Histogram } from "../runtime/histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** A metric with all its samples. Names of counters end in `_total`; base units are seconds and bytes. */
export type Metric =
  | {
      readonly name: string;
      readonly help: string;
      readonly type: "counter" | "gauge";
      readonly samples: readonly { readonly labels?: Labels; readonly value: number }[];
    }
  | {
      readonly name: string;
      readonly help: string;
      readonly type: "histogram";
      readonly samples: readonly { readonly labels?: Labels; readonly histogram: Histogram }[];
    };

export const EXPOSITION_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus text exposition format 0.0.4. A metric without samples is left out: unknown is not zero. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map((metric) =>
      [
        `# HELP ${metric.name} ${metric.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`,
        `# TYPE ${metric.name} ${metric.type}\n`,
        ...samplesOf(metric),
      ].join(""),
    )
    .join("");
}

function samplesOf(metric: Metric): string[] {
  const { name } = metric;
  if (metric.type !== "histogram")
    return metric.samples.map(({ labels, value }) => sample(name, labels, value));
  return metric.samples.flatMap(({ labels, histogram }) => histogramSamples(name, labels, histogram));
}

/** Writes cumulative buckets, as the format wants; the bucket without a bound counts every observation. */
function histogramSamples(name: string, labels: Labels = {}, { bounds, counts, sum }: Histogram): string[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return sample(`${name}_bucket`, { ...labels, le: valueText(bounds[i] ?? Infinity) }, total);
  });
  return [...buckets, sample(`${name}_sum`, labels, sum), sample(`${name}_count`, labels, total)];
}

function sample(name: string, labels: Labels = {}, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${valueText(value)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  return String(value).replace("Infinity", "Inf").replace(/^Inf/, "+Inf");
}
