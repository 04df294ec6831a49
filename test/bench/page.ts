import { cpus, totalmem } from "node:os";
import { FULL, SMALL, type Comparison, type Measured } from "./volume.ts";

/** Makes docs/benchmarks.md, before it is formatted. */
export function volumePage(
  compared: readonly Comparison[],
  bytes: Readonly<Record<string, number>>,
  rounds: number,
): string {
  const rows = compared.map(({ name, times, small, full }) => {
    const [a, b] = [rowsOf(small, times), rowsOf(full, times)];
    const ratio = median(full.map(time)) / median(small.map(time));
    return `| ${name} | ${a} | ${b} | ${spread(small)} | ${spread(full)} | ${ratio.toFixed(2)} |`;
  });
  const [cpu] = cpus();
  return `# Benchmarks

## Volume

\`npm run bench -- volume\` writes this page. It fills the real chain head and the real index of dead letters, in workerd, twice: a
small one (${contents(SMALL)}) and a full one (${contents(FULL)}). Then it runs the same calls on both in turn, ${rounds} rounds after one
that is not counted. A decision, an alarm or a call costs the same on both: the rows that it reads do not depend on what is stored.
\`test/workers/volume.prove.ts\` proves the rows with smaller objects in \`npm run prove\`, and every unit test refuses a
statement that SQLite plans as an unbounded scan (\`test/support/assertions/bounded.ts\`).

Rows are SQLite rows read by one call, as Cloudflare bills them. Times are milliseconds of one call: median (least to most), the
way from Node to workerd and back included, which is most of a short one. The history tree reads a few more nodes in a longer
chain: one for each time that the chain doubles.

| call | rows, small | rows, full | ms, small | ms, full | ratio |
| --- | --: | --: | --- | --- | --: |
${rows.join("\n")}

## Bytes

What one more of each takes in the storage of its object, measured with 100,000 of them. A Durable Object holds 10 GB.

| one more | bytes |
| --- | --: |
${Object.entries(bytes)
  .map(([what, n]) => `| ${what} | ${n} |`)
  .join("\n")}

Measured on ${cpu?.model.trim() ?? "a processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}. Other programs were running.
`;
}

function contents({ mined, waiting, setAside, intents, deadLetters }: typeof FULL): string {
  return `${n(mined)} mined, ${n(waiting)} waiting, ${n(setAside)} set-aside transactions, ${n(intents)} submissions that are to be paid, ${n(deadLetters)} dead letters`;
}

function n(count: number): string {
  return count.toLocaleString("en");
}

const time = ({ milliseconds }: Measured) => milliseconds;

function rowsOf(measured: readonly Measured[], times: number): string {
  const rows = median(measured.map(({ rows: { read } }) => read)) / times;
  return rows.toFixed(rows < 100 ? 1 : 0).replace(/\.0$/, "");
}

function spread(measured: readonly Measured[]): string {
  const all = measured.map(time).toSorted((a, b) => a - b);
  return `${median(all).toFixed(2)} (${(all[0] ?? 0).toFixed(2)} to ${(all.at(-1) ?? 0).toFixed(2)})`;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
