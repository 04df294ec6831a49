/** A line of the metrics' text. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;
const VALUE = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/**
 * Reads the text exposition format 0.0.4, and rejects errors that a lenient scraper would accept. Every metric has one
 * HELP, then one TYPE, then its samples together. No sample appears twice, and histograms add up.
 */
export function parseExposition(text: string): Scrape {
  if (text === "") return new Scrape([]);
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families: Family[] = [];
  const lines = text.slice(0, -1).split("\n");
  for (let i = 0; i < lines.length; i++) {
    const help = /^# HELP ([^ ]+) (.+)$/.exec(lines[i] ?? "");
    const family = families.at(-1);
    if (help !== null) {
      const type = /^# TYPE ([^ ]+) (counter|gauge|histogram)$/.exec(lines[++i] ?? "");
      if (type === null || type[1] !== help[1]) throw new Error(`no TYPE after HELP: ${lines[i]}`);
      families.push({ name: help[1] ?? "", help: help[2] ?? "", type: type[2] ?? "", samples: [] });
    } else if (family === undefined) throw new Error(`a sample without HELP and TYPE: ${lines[i]}`);
    else family.samples.push(parseSample(lines[i] ?? ""));
  }
  const names = families.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw new Error(`a metric stands twice: ${names.join(" ")}`);
  for (const family of families) check(family);
  return new Scrape(families);
}

export class Scrape {
  readonly families: readonly Family[];

  constructor(families: readonly Family[]) {
    this.families = families;
  }

  get names(): string[] {
    return this.families.map(({ name }) => name);
  }

  /** Returns the value of the sample with exactly these labels; `undefined` if the text has no such sample. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.families
      .flatMap(({ samples }) => samples)
      .find((sample) => keyOf(sample) === keyOf({ name, labels }))?.value;
  }
}

function parseSample(line: string): Sample {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    do {
      rest = rest.slice(1);
      const [whole = "", label = "", quoted = ""] = LABEL.exec(rest) ?? [];
      if (whole === "" || label in labels) throw new Error(`bad labels: ${line}`);
      labels[label] = quoted.replaceAll(/\\(["\\n])/g, (_, escaped) =>
        escaped === "n" ? "\n" : String(escaped),
      );
      rest = rest.slice(whole.length);
    } while (rest.startsWith(","));
    if (!rest.startsWith("}")) throw new Error(`the labels have no end: ${line}`);
    rest = rest.slice(1);
  }
  if (!rest.startsWith(" ") || !VALUE.test(rest.slice(1))) throw new Error(`bad value: ${line}`);
  return { name, labels, value: numberOf(rest.slice(1)) };
}

function numberOf(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}

function keyOf({ name, labels }: Pick<Sample, "name" | "labels">): string {
  return JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b))]);
}

function check({ name, type, samples }: Family): void {
  const fail = (why: string) => new Error(`${name}: ${why}`);
  if (samples.length === 0) throw fail("has no sample");
  if (new Set(samples.map(keyOf)).size !== samples.length) throw fail("a sample stands twice");
  if (!/^vdc_[a-z0-9_]+$/.test(name) || /milli|minutes|kilo/.test(name)) throw fail("is no name of ours");
  if ((type === "counter") !== name.endsWith("_total"))
    throw fail("a counter, and only a counter, is a _total");
  if (type === "histogram") return checkHistogram(name, samples);
  for (const sample of samples) {
    if (sample.name !== name) throw fail(`has a sample of ${sample.name}`);
    if (Number.isNaN(sample.value) || sample.value < 0) throw fail(`has the value ${sample.value}`);
  }
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: undefined }));
  for (const [labels, own] of series) {
    const fail = (why: string) => new Error(`${name}${labels}: ${why}`);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const sums = own.filter((sample) => sample.name === `${name}_sum`);
    const counts = own.filter((sample) => sample.name === `${name}_count`);
    if (sums.length !== 1 || counts.length !== 1 || buckets.length + 2 !== own.length)
      throw fail("needs buckets, one sum, one count, and nothing else");
    const bounds = buckets.map((bucket) => numberOf(bucket.labels.le ?? "NaN"));
    if (bounds.at(-1) !== Infinity) throw fail("the last bucket is not +Inf");
    for (const [i, bucket] of buckets.entries()) {
      const before = buckets[i - 1];
      if (before === undefined) continue;
      if (!((bounds[i] ?? 0) > (bounds[i - 1] ?? 0))) throw fail("the bounds do not ascend");
      if (bucket.value < before.value) throw fail("the buckets are not cumulative");
    }
    if (counts[0]?.value !== buckets.at(-1)?.value) throw fail("the count is not that of the last bucket");
  }
}
