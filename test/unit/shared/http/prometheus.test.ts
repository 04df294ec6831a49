import { assert, constantFrom, double, nat, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyHistogram, withObservations } from "../../../../shared/runtime/histogram.ts";
import { exposition, type Metric } from "../../../../shared/http/prometheus.ts";
import { parseExposition } from "../../../support/assertions/exposition.ts";

const gauge = (samples: Extract<Metric, { type: "gauge" | "counter" }>["samples"]): Metric => ({
  name: "vdc_example",
  help: "An example.",
  type: "gauge",
  samples,
});

describe("the text format", () => {
  it("is that of Prometheus, character for character", () => {
    const seconds = withObservations(emptyHistogram([0.1, 2.5]), [0.05, 0.1, 1, 9]);
    const text = exposition([
      { name: "vdc_things_total", help: "Things.", type: "counter", samples: [{ value: 3 }] },
      {
        name: "vdc_wait_seconds",
        help: "How long.",
        type: "histogram",
        samples: [{ labels: { stage: "miner" }, histogram: seconds }],
      },
    ]);
    expect(text).toBe(
      [
        "# HELP vdc_things_total Things.",
        "# TYPE vdc_things_total counter",
        "vdc_things_total 3",
        "# HELP vdc_wait_seconds How long.",
        "# TYPE vdc_wait_seconds histogram",
        'vdc_wait_seconds_bucket{stage="miner",le="0.1"} 2',
        'vdc_wait_seconds_bucket{stage="miner",le="2.5"} 3',
        'vdc_wait_seconds_bucket{stage="miner",le="+Inf"} 4',
        'vdc_wait_seconds_sum{stage="miner"} 10.15',
        'vdc_wait_seconds_count{stage="miner"} 4',
        "",
      ].join("\n"),
    );
    expect(parseExposition(text).value("vdc_wait_seconds_count", { stage: "miner" })).toBe(4);
  });

  it("carries every label value and number as it is", () => {
    assert(
      property(
        string({ unit: constantFrom("a", '"', "\\", "\n", "{", "}", ",", "=", " ", "é", "😀") }),
        oneof(double({ min: 0, noNaN: true }), nat()),
        (text, value) => {
          const scrape = parseExposition(exposition([gauge([{ labels: { text, more: "x" }, value }])]));
          expect(scrape.value("vdc_example", { text, more: "x" })).toBe(value);
        },
      ),
    );
  });

  it("keeps a help text on its line", () => {
    const text = exposition([{ ...gauge([{ value: 1 }]), help: "one\\two\nthree" }]);
    expect(text).toContain("# HELP vdc_example one\\\\two\\nthree\n");
    expect(parseExposition(text).value("vdc_example")).toBe(1);
  });

  it("leaves out a metric of which nothing is known", () => {
    expect(exposition([gauge([])])).toBe("");
    expect(exposition([])).toBe("");
  });
});

const good = "# HELP vdc_a_total A.\n# TYPE vdc_a_total counter\nvdc_a_total 1\n";
const bucket = (le: string, value: number) => `vdc_h_bucket{le="${le}"} ${value}\n`;
const histogram = (buckets: string, count: number) =>
  `# HELP vdc_h H.\n# TYPE vdc_h histogram\n${buckets}vdc_h_sum 1\nvdc_h_count ${count}\n`;

describe("the parser of these tests", () => {
  it("takes what is right", () => {
    expect(parseExposition(good).names).toEqual(["vdc_a_total"]);
    expect(parseExposition(histogram(bucket("1", 1) + bucket("+Inf", 2), 2)).names).toEqual(["vdc_h"]);
  });

  it.for([
    ["no end of the last line", good.trimEnd()],
    ["a sample without a type", "vdc_a_total 1\n"],
    ["a metric twice", good + good],
    ["a sample twice", `${good}vdc_a_total 2\n`],
    ["a counter of another name", good.replaceAll("_total", "")],
    ["an empty line", `${good}\n`],
    ["a foreign sample", `${good}vdc_b_total 1\n`],
    ["an unquoted label", good.replace("vdc_a_total 1", "vdc_a_total{a=b} 1")],
    ["a label twice", good.replace("vdc_a_total 1", 'vdc_a_total{a="b",a="c"} 1')],
    ["no number", good.replace(" 1", " one")],
    ["Infinity as JavaScript spells it", good.replace(" 1", " Infinity")],
    ["buckets that are not cumulative", histogram(bucket("1", 3) + bucket("+Inf", 2), 2)],
    ["bounds that do not ascend", histogram(bucket("2", 1) + bucket("1", 1) + bucket("+Inf", 1), 1)],
    ["no last bucket", histogram(bucket("1", 1), 1)],
    ["another count", histogram(bucket("+Inf", 2), 3)],
  ])("refuses %s", ([, text]) => {
    expect(() => parseExposition(text ?? "")).toThrow(Error);
  });
});
